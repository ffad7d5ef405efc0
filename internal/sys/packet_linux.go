package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// PacketSocket is an AF_PACKET socket bound to one interface, with a receive ring (TPACKET_V2,
// packet(7)) and batched sends that bypass the queueing discipline. Open it inside the interface's
// namespace. Afterwards any thread may use it, one thread at a time.
type PacketSocket struct {
	fd      int
	ring    []byte
	slot    int // bytes per slot
	slots   int
	at      int // next slot to read
	dropped uint64
	poll    [1]unix.PollFd // argument of Wait, kept here so that waiting does not allocate
	timeout unix.Timespec
	vector  []mmsghdr // argument of Send
	iovecs  []unix.Iovec
}

// Packet is a received frame.
type Packet struct {
	Data   []byte
	Length int   // bytes on the wire; more than len(Data) if the slot was too short
	At     int64 // receive time in the kernel: CLOCK_REALTIME, ns
}

// ringHead is the number of bytes that the kernel uses at the start of each slot: its header, the
// address, and the Ethernet header aligned for IP (tpacket_rcv in net/packet/af_packet.c).
const ringHead = 80

// OpenPacket binds a socket to an interface and makes the interface promiscuous. slotOctets is the
// smallest slot in bytes: the largest frame plus 80. The socket does not see frames that leave by
// the interface (PACKET_IGNORE_OUTGOING, Linux 4.20).
func OpenPacket(ifindex int, slots, slotOctets int) (*PacketSocket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket AF_PACKET", err)
	}
	s := &PacketSocket{fd: fd}
	if err := s.open(ifindex, slots, slotOctets); err != nil {
		return nil, errors.Join(fmt.Errorf("packet socket on interface %d: %w", ifindex, err), s.Close())
	}
	return s, nil
}

// open binds the socket last, so that the ring never holds frames of other interfaces.
func (s *PacketSocket) open(ifindex, slots, slotOctets int) error {
	const (
		sendBuffer  = 1<<30 - 1 // a frame occupies the buffer until its receiver has it; only the queues' own limits should apply
		unspecified = 0
	)
	for _, o := range []struct {
		name               string
		level, what, value int
	}{
		{"PACKET_VERSION", unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2},
		{"PACKET_IGNORE_OUTGOING", unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1},
		{"PACKET_QDISC_BYPASS", unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1},
		{"SO_SNDBUFFORCE", unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer},
	} {
		if err := unix.SetsockoptInt(s.fd, o.level, o.what, o.value); err != nil {
			return os.NewSyscallError("setsockopt "+o.name, err)
		}
	}
	if err := s.mapRing(slots, slotOctets); err != nil {
		return err
	}
	promiscuous := unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &promiscuous); err != nil {
		return os.NewSyscallError("setsockopt PACKET_ADD_MEMBERSHIP", err)
	}
	var all [2]byte
	binary.BigEndian.PutUint16(all[:], unix.ETH_P_ALL)
	addr := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(all[:]), Ifindex: ifindex}
	return os.NewSyscallError("bind", unix.Bind(s.fd, addr))
}

// mapRing rounds the slot size up to a power of two, so that slots fill the kernel's memory
// blocks, and rounds the number of slots up to whole blocks.
func (s *PacketSocket) mapRing(slots, slotOctets int) error {
	s.slot = 1 << 8
	for s.slot < slotOctets {
		s.slot <<= 1
	}
	block := max(s.slot, 1<<16)
	blocks := max(1, (slots*s.slot+block-1)/block)
	s.slots = blocks * (block / s.slot)
	req := unix.TpacketReq{
		Block_size: uint32(block), Block_nr: uint32(blocks), Frame_size: uint32(s.slot), Frame_nr: uint32(s.slots),
	}
	if err := unix.SetsockoptTpacketReq(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("ring of %d slots of %d octets: %w", s.slots, s.slot, os.NewSyscallError("setsockopt PACKET_RX_RING", err))
	}
	var err error
	s.ring, err = unix.Mmap(s.fd, 0, blocks*block, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	return os.NewSyscallError("mmap", err)
}

// Filter lets only frames pass for which a program of classic BPF returns the number of bytes to keep (packet(7)).
func (s *PacketSocket) Filter(program []bpf.RawInstruction) error {
	filter := make([]unix.SockFilter, len(program))
	for i, op := range program {
		filter[i] = unix.SockFilter{Code: op.Op, Jt: op.Jt, Jf: op.Jf, K: op.K}
	}
	return os.NewSyscallError("setsockopt SO_ATTACH_FILTER", unix.SetsockoptSockFprog(
		s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}))
}

func (s *PacketSocket) head() *unix.Tpacket2Hdr {
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&s.ring[s.at*s.slot]))
}

// Next returns the next received frame; its Data points into the ring and is valid until Release.
// ok is false if no frame waits. Next never blocks and never allocates.
func (s *PacketSocket) Next() (p Packet, ok bool) {
	h := s.head()
	if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
		return Packet{}, false
	}
	start := s.at*s.slot + int(h.Mac)
	end := start + int(h.Snaplen)
	return Packet{
		Data: s.ring[start:end:end], Length: int(h.Len), At: int64(h.Sec)*int64(time.Second) + int64(h.Nsec),
	}, true
}

// Release returns the slot of the last Next to the kernel.
func (s *PacketSocket) Release() {
	atomic.StoreUint32(&s.head().Status, unix.TP_STATUS_KERNEL)
	if s.at++; s.at == s.slots {
		s.at = 0
	}
}

// Wait sleeps (poll(2)) until a frame has arrived or the timeout expires. An error means that the
// interface is gone or down.
func (s *PacketSocket) Wait(timeout time.Duration) error {
	s.poll[0] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
	s.timeout = unix.NsecToTimespec(int64(timeout))
	if _, err := unix.Ppoll(s.poll[:], &s.timeout, nil); err != nil && err != syscall.EINTR {
		return os.NewSyscallError("ppoll", err)
	}
	if s.poll[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) == 0 {
		return nil
	}
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return os.NewSyscallError("packet socket", err)
}

// Send sends frames with one sendmmsg(2) and returns how many the interface took. If the queue
// behind the interface is full (ENOBUFS), the error is nil and the interface counts the frame as
// dropped. Any other error is about the first frame.
func (s *PacketSocket) Send(frames [][]byte) (n int, err error) {
	if len(frames) == 0 {
		return 0, nil
	}
	if len(frames) > len(s.vector) {
		s.grow(len(frames))
	}
	for i, frame := range frames {
		s.iovecs[i].Base = unsafe.SliceData(frame)
		s.iovecs[i].SetLen(len(frame))
	}
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.vector[0])), uintptr(len(frames)), 0, 0, 0)
	switch errno {
	case 0:
		return int(sent), nil
	case unix.ENOBUFS, unix.EAGAIN:
		return 0, nil
	}
	return 0, os.NewSyscallError("sendmmsg", errno)
}

// grow makes room for n messages of one part each.
func (s *PacketSocket) grow(n int) {
	s.vector, s.iovecs = make([]mmsghdr, n), make([]unix.Iovec, n)
	for i := range s.vector {
		s.vector[i].header.Iov = &s.iovecs[i]
		s.vector[i].header.SetIovlen(1)
	}
}

// Dropped returns how many frames were dropped since the socket was opened because the ring was
// full.
func (s *PacketSocket) Dropped() (uint64, error) {
	stats, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS) // reading resets the counter
	if err != nil {
		return 0, os.NewSyscallError("getsockopt PACKET_STATISTICS", err)
	}
	s.dropped += uint64(stats.Drops)
	return s.dropped, nil
}

// Close unmaps the ring and closes the descriptor. Packets returned by Next become invalid.
func (s *PacketSocket) Close() error {
	var unmapped error
	if s.ring != nil {
		unmapped = os.NewSyscallError("munmap", unix.Munmap(s.ring))
		s.ring = nil
	}
	return errors.Join(unmapped, os.NewSyscallError("close", unix.Close(s.fd)))
}
