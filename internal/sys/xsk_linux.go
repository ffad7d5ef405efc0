package sys

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// XSK is an AF_XDP socket on one queue of an interface, with its own frame memory, the UMEM
// (Documentation/networking/af_xdp.rst). An XDP program has to redirect frames to it. One
// goroutine may receive while another transmits.
type XSK struct {
	fd          int
	memory      []byte
	slot        int // bytes per slot
	receive     descriptorRing
	fill        addressRing
	transmit    descriptorRing
	completion  addressRing
	free        []uint64 // slots without a frame to transmit
	transmitted uint32   // slots being transmitted
	poll        [2]unix.PollFd
}

// XSKConfig is the number of slots and their size, powers of two. A slot of 2048 bytes holds a
// frame of 1792 bytes, a slot of 4096 a frame of 3840: the kernel reserves XDP_PACKET_HEADROOM
// (256).
type XSKConfig struct {
	Receive, Transmit int
	SlotOctets        int // 2048 or 4096
}

// XSKHeadroom is XDP_PACKET_HEADROOM (linux/bpf.h).
const XSKHeadroom = 256

// OpenXSK opens a socket on a queue of the interface with index ifindex, in the namespace of the
// calling thread. The kernel copies frames if the driver does not support zero-copy.
func OpenXSK(ifindex, queue int, cfg XSKConfig) (*XSK, error) {
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, fmt.Errorf("%w: this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)", errors.ErrUnsupported)
	}
	if err != nil {
		return nil, os.NewSyscallError("socket AF_XDP", err)
	}
	x := &XSK{fd: fd, slot: cfg.SlotOctets}
	if err := x.open(ifindex, queue, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("AF_XDP socket on interface %d, queue %d: %w", ifindex, queue, err), x.Close())
	}
	return x, nil
}

func (x *XSK) open(ifindex, queue int, cfg XSKConfig) error {
	var err error
	size := (cfg.Receive + cfg.Transmit) * cfg.SlotOctets
	if x.memory, err = unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	register := unix.XDPUmemReg{
		Addr: uint64(uintptr(unsafe.Pointer(&x.memory[0]))), Len: uint64(size), Size: uint32(cfg.SlotOctets),
	}
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(x.fd), unix.SOL_XDP, unix.XDP_UMEM_REG, uintptr(unsafe.Pointer(&register)), unsafe.Sizeof(register), 0); errno != 0 {
		return os.NewSyscallError("setsockopt XDP_UMEM_REG", errno)
	}
	if err := x.mapRings(cfg); err != nil {
		return err
	}
	// A frame occupies the buffer until its receiver has it; only the ring sizes should limit
	// sending.
	if err := unix.SetsockoptInt(x.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 1<<30-1); err != nil {
		return os.NewSyscallError("setsockopt SO_SNDBUFFORCE", err)
	}
	for i := range cfg.Receive {
		x.fill.put(uint64(i * cfg.SlotOctets))
	}
	x.fill.publish()
	for i := range cfg.Transmit {
		x.free = append(x.free, uint64((cfg.Receive+i)*cfg.SlotOctets))
	}
	addr := unix.SockaddrXDP{Flags: unix.XDP_USE_NEED_WAKEUP, Ifindex: uint32(ifindex), QueueID: uint32(queue)}
	return os.NewSyscallError("bind", bindXSK(x.fd, &addr))
}

// bindXSK retries for some seconds: after a previous socket of the queue is closed, the kernel
// frees the queue some time later (xp_put_pool in net/xdp/xsk_buff_pool.c), on a busy machine a second.
func bindXSK(fd int, addr *unix.SockaddrXDP) (err error) {
	const limit, wait = 5 * time.Second, 5 * time.Millisecond
	for range limit / wait {
		if err = unix.Bind(fd, addr); err != unix.EBUSY {
			return err
		}
		time.Sleep(wait)
	}
	return err
}

// mapRings sets the sizes of the four rings and maps them.
func (x *XSK) mapRings(cfg XSKConfig) error {
	for _, r := range []struct {
		name       string
		what, size int
	}{
		{"XDP_RX_RING", unix.XDP_RX_RING, cfg.Receive}, {"XDP_UMEM_FILL_RING", unix.XDP_UMEM_FILL_RING, cfg.Receive},
		{"XDP_TX_RING", unix.XDP_TX_RING, cfg.Transmit}, {"XDP_UMEM_COMPLETION_RING", unix.XDP_UMEM_COMPLETION_RING, cfg.Transmit},
	} {
		if err := unix.SetsockoptInt(x.fd, unix.SOL_XDP, r.what, r.size); err != nil {
			return fmt.Errorf("ring of %d: %w", r.size, os.NewSyscallError("setsockopt "+r.name, err))
		}
	}
	var offsets unix.XDPMmapOffsets
	length := uint32(unsafe.Sizeof(offsets))
	if _, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(x.fd), unix.SOL_XDP, unix.XDP_MMAP_OFFSETS, uintptr(unsafe.Pointer(&offsets)), uintptr(unsafe.Pointer(&length)), 0); errno != 0 {
		return os.NewSyscallError("getsockopt XDP_MMAP_OFFSETS", errno)
	}
	return errors.Join(
		x.receive.open(x.fd, unix.XDP_PGOFF_RX_RING, offsets.Rx, cfg.Receive),
		x.transmit.open(x.fd, unix.XDP_PGOFF_TX_RING, offsets.Tx, cfg.Transmit),
		x.fill.open(x.fd, unix.XDP_UMEM_PGOFF_FILL_RING, offsets.Fr, cfg.Receive),
		x.completion.open(x.fd, unix.XDP_UMEM_PGOFF_COMPLETION_RING, offsets.Cr, cfg.Transmit),
	)
}

// FD returns the descriptor for the XDP program's map.
func (x *XSK) FD() int { return x.fd }

// Waiting returns the number of received frames that wait.
func (x *XSK) Waiting() int { return int(x.receive.filled()) }

// Next returns the oldest waiting frame; at least one must wait. The frame is in shared memory and
// valid until Release. If its descriptor reaches beyond the memory, Next returns nil.
func (x *XSK) Next() []byte {
	d := &x.receive.entries[x.receive.at&x.receive.mask]
	return FrameAt(x.memory, d.Addr, d.Len)
}

// Release marks the slot of the last Next as free. Refill returns it to the kernel.
func (x *XSK) Release() {
	d := &x.receive.entries[x.receive.at&x.receive.mask]
	x.fill.put(d.Addr &^ uint64(x.slot-1))
	x.receive.at++
}

// Refill returns all released slots to the kernel.
func (x *XSK) Refill() {
	x.receive.consumed()
	x.fill.publish()
}

// Wait sleeps (ppoll(2)) until a frame can be received or event is raised, and reports whether it
// was the event. Only the receiving goroutine may call it. An error means that the interface is
// gone or down.
func (x *XSK) Wait(event *Event, p Processor) (raised bool, err error) {
	return waitReadable(&x.poll, x.fd, event, p)
}

// Room returns a slot for a frame to transmit, or nil if all slots are in use.
func (x *XSK) Room() []byte {
	if len(x.free) == 0 {
		x.reclaim()
		if len(x.free) == 0 {
			return nil
		}
	}
	start := x.free[len(x.free)-1]
	return x.memory[start : start+uint64(x.slot) : start+uint64(x.slot)]
}

// Commit queues the slot of the last Room as a frame of n bytes. The next Kick sends it.
func (x *XSK) Commit(n int) {
	last := len(x.free) - 1
	x.transmit.entries[x.transmit.at&x.transmit.mask] = unix.XDPDesc{Addr: x.free[last], Len: uint32(n)}
	x.transmit.at++
	x.free = x.free[:last]
	x.transmitted++
}

// Kick makes the kernel send the committed frames. Frames that it does not take now stay in the
// ring for the next Kick.
func (x *XSK) Kick() error {
	x.transmit.produced()
	for tries := 0; x.transmit.left() > 0; tries++ {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(x.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0, errno == unix.EBUSY, errno == unix.ENOBUFS, errno == unix.EINTR:
		case errno == unix.EAGAIN: // the kernel sent 32 frames (TX_BATCH_SIZE in net/xdp/xsk.c) or has no memory
		default:
			return os.NewSyscallError("sendto AF_XDP", errno)
		}
		if tries > len(x.transmit.entries) {
			return nil
		}
	}
	return nil
}

// reclaim takes back the slots of transmitted frames.
func (x *XSK) reclaim() {
	for n := x.completion.filled(); n > 0; n-- {
		x.free = append(x.free, x.completion.take())
		x.transmitted--
	}
	x.completion.consumed()
}

// Close closes the socket and unmaps rings and memory. Frames returned by Next become invalid.
func (x *XSK) Close() error {
	errs := []error{os.NewSyscallError("close", unix.Close(x.fd))}
	for _, m := range [][]byte{x.receive.mapped, x.transmit.mapped, x.fill.mapped, x.completion.mapped, x.memory} {
		if m != nil {
			errs = append(errs, os.NewSyscallError("munmap", unix.Munmap(m)))
		}
	}
	return errors.Join(errs...)
}

// ring is one of the socket's four rings. One side produces entries and the other consumes them;
// each has a counter in shared memory. at is this side's position, which can be ahead of its
// published counter.
type ring[T any] struct {
	mapped             []byte
	producer, consumer *uint32
	entries            []T
	mask, at           uint32
}

type (
	descriptorRing = ring[unix.XDPDesc]
	addressRing    = ring[uint64]
)

func (r *ring[T]) open(fd int, page int64, offset unix.XDPRingOffset, size int) error {
	var entry T
	mapped, err := unix.Mmap(fd, page, int(offset.Desc)+size*int(unsafe.Sizeof(entry)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.mapped = mapped
	r.producer = (*uint32)(unsafe.Pointer(&mapped[offset.Producer]))
	r.consumer = (*uint32)(unsafe.Pointer(&mapped[offset.Consumer]))
	r.entries = unsafe.Slice((*T)(unsafe.Pointer(&mapped[offset.Desc])), size)
	r.mask = uint32(size - 1)
	return nil
}

// filled returns how many entries the kernel has produced and this side has not read yet.
func (r *ring[T]) filled() uint32 { return atomic.LoadUint32(r.producer) - r.at }

// take returns the next entry.
func (r *ring[T]) take() T {
	e := r.entries[r.at&r.mask]
	r.at++
	return e
}

// consumed publishes at to the kernel as the number of consumed entries.
func (r *ring[T]) consumed() { atomic.StoreUint32(r.consumer, r.at) }

// put adds an entry, which the kernel sees after publish. A ring has as many entries as there are
// slots, so it is never full.
func (r *ring[T]) put(e T) {
	r.entries[r.at&r.mask] = e
	r.at++
}

func (r *ring[T]) publish() { atomic.StoreUint32(r.producer, r.at) }

// produced is publish for the transmit ring.
func (r *ring[T]) produced() { r.publish() }

// left returns how many entries the kernel has not consumed yet.
func (r *ring[T]) left() uint32 { return r.at - atomic.LoadUint32(r.consumer) }
