package sys

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Event is an eventfd(2). Once raised, it stays readable, so every poll that includes it returns
// at once.
type Event struct {
	fd     int
	raised atomic.Bool
}

// NewEvent returns an event that is not raised.
func NewEvent() (*Event, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &Event{fd: fd}, nil
}

// Raise makes the event readable permanently. Any goroutine may call it, more than once.
func (e *Event) Raise() error {
	e.raised.Store(true)
	one := [8]byte{7: 1}
	_, err := unix.Write(e.fd, one[:])
	if err == unix.EAGAIN { // the counter is full, so the event is already raised
		return nil
	}
	return os.NewSyscallError("write eventfd", err)
}

// Raised reports whether the event was raised, without a system call.
func (e *Event) Raised() bool { return e.raised.Load() }

// Close releases the descriptor.
func (e *Event) Close() error { return os.NewSyscallError("close", unix.Close(e.fd)) }

// TUN is one queue of a TUN interface. It reads and writes whole IP packets, one per call, without
// a packet information header (tuntap.rst in the kernel's documentation). The descriptor is
// non-blocking and does not use the Go poller. One goroutine may read while another writes.
type TUN struct {
	fd   int
	name string
	poll [2]unix.PollFd // argument of Wait, kept here so that waiting does not allocate

	parts  [2]unix.Iovec            // argument of ReadParts
	gather [1 + MaxParts]unix.Iovec // argument of WriteParts
}

// TUNOffloads are the offloads that the reader of a TUN device accepts. If there are any, each
// packet has a virtio_net_hdr of VirtioLen bytes in front, in both directions
// (Documentation/networking/tuntap.rst, linux/virtio_net.h).
type TUNOffloads uint

// Sets of offloads, from none to all.
const (
	TUNPlain  TUNOffloads = 0
	TUNHeader TUNOffloads = 1 // only the header
	TUNTCP    TUNOffloads = TUNHeader | unix.TUN_F_CSUM<<8 | unix.TUN_F_TSO4<<8 | unix.TUN_F_TSO6<<8
	TUNAll    TUNOffloads = TUNTCP | unix.TUN_F_USO4<<8 | unix.TUN_F_USO6<<8 // Linux 6.2
)

// VirtioLen is the length of struct virtio_net_hdr.
const VirtioLen = 10

// OpenTUN creates the TUN interface name, or attaches to a persistent one, in the namespace of the
// calling thread. It sets the MTU (bytes) and brings the interface up. The interface disappears
// when the descriptor is closed. EINVAL means that the kernel lacks these offloads.
func OpenTUN(name string, mtu int, offloads TUNOffloads) (*TUN, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	t := &TUN{fd: fd}
	if err := t.attach(name, mtu, offloads); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("tun %s: %w", name, err)
	}
	return t, nil
}

func (t *TUN) attach(name string, mtu int, offloads TUNOffloads) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("interface name: %w", err)
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if offloads != TUNPlain {
		flags |= unix.IFF_VNET_HDR
	}
	req.SetUint16(flags)
	if err := unix.IoctlIfreq(t.fd, unix.TUNSETIFF, req); err != nil {
		return os.NewSyscallError("TUNSETIFF", err)
	}
	t.name = req.Name()
	if offloads != TUNPlain {
		if err := unix.IoctlSetInt(t.fd, unix.TUNSETOFFLOAD, int(offloads>>8)); err != nil {
			return os.NewSyscallError("TUNSETOFFLOAD", err)
		}
	}
	return linkUp(t.name, mtu)
}

// linkUp sets the MTU of an interface and brings it up (netdevice(7)).
func linkUp(name string, mtu int) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint32(uint32(mtu))
	if err := unix.IoctlIfreq(s, unix.SIOCSIFMTU, req); err != nil {
		return os.NewSyscallError("SIOCSIFMTU", err)
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, req); err != nil {
		return os.NewSyscallError("SIOCGIFFLAGS", err)
	}
	req.SetUint16(req.Uint16() | unix.IFF_UP)
	return os.NewSyscallError("SIOCSIFFLAGS", unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, req))
}

// Name returns the interface's name as the kernel chose it.
func (t *TUN) Name() string { return t.name }

// Read reads one packet, cut to len(p) bytes, or returns EAGAIN at once if the queue is empty. It
// makes a raw system call: Read never sleeps, and the Go scheduler's part of a normal call would
// cost as much as the read itself.
func (t *TUN) Read(p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(t.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Write hands one packet to the kernel as received. Like Read, it is a raw system call that never
// sleeps. EINVAL means that it is not an IP packet, EIO that the interface is down.
func (t *TUN) Write(p []byte) error {
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(t.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return errno
	}
	return nil
}

// ReadParts is Read into two buffers, first and then second (readv(2)).
func (t *TUN) ReadParts(first, second []byte) (int, error) {
	t.parts[0].Base, t.parts[1].Base = unsafe.SliceData(first), unsafe.SliceData(second)
	t.parts[0].SetLen(len(first))
	t.parts[1].SetLen(len(second))
	n, _, errno := unix.RawSyscall(unix.SYS_READV, uintptr(t.fd), uintptr(unsafe.Pointer(&t.parts)), 2)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// MaxParts is the largest number of parts in WriteParts, the header not counted.
const MaxParts = 256

// WriteParts is Write of a packet in pieces (writev(2)): a header and at most MaxParts parts.
func (t *TUN) WriteParts(header []byte, parts [][]byte) error {
	t.gather[0].Base = unsafe.SliceData(header)
	t.gather[0].SetLen(len(header))
	n := 1
	for _, p := range parts {
		t.gather[n].Base = unsafe.SliceData(p)
		t.gather[n].SetLen(len(p))
		n++
	}
	_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(t.fd), uintptr(unsafe.Pointer(&t.gather)), uintptr(n))
	if errno != 0 {
		return errno
	}
	return nil
}

// Wait sleeps (ppoll(2)) until a packet can be read or event is raised, and reports whether it was
// the event. Only the reading goroutine may call it.
func (t *TUN) Wait(event *Event, p Processor) (raised bool, err error) {
	return waitReadable(&t.poll, t.fd, event, p)
}

// File returns the device as a file of the Go scheduler: each read and each write is one packet.
// The file owns the descriptor.
func (t *TUN) File() *os.File { return os.NewFile(uintptr(t.fd), t.name) }

// Close closes the queue. Closing the last queue removes the interface.
func (t *TUN) Close() error { return os.NewSyscallError("close", unix.Close(t.fd)) }
