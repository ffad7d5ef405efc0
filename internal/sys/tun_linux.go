package sys

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Event is an eventfd(2): once raised it stays readable, so that every poll
// that includes it returns at once.
type Event struct{ fd int }

// NewEvent makes an event that is not raised.
func NewEvent() (*Event, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &Event{fd: fd}, nil
}

// Raise makes the event readable for good. It may be called from any
// goroutine and more than once.
func (e *Event) Raise() error {
	one := [8]byte{7: 1}
	_, err := unix.Write(e.fd, one[:])
	if err == unix.EAGAIN { // the counter is full, hence raised
		return nil
	}
	return os.NewSyscallError("write eventfd", err)
}

// Close releases the descriptor.
func (e *Event) Close() error { return os.NewSyscallError("close", unix.Close(e.fd)) }

// TUN is one queue of a TUN interface: whole IP packets, one per read and per
// write, without a packet information header (tuntap.rst in the kernel's
// documentation). The descriptor is non-blocking and stays away from the Go
// poller. One goroutine may read while another writes.
type TUN struct {
	fd   int
	name string
	poll [2]unix.PollFd // Wait's argument: here, so that waiting does not allocate

	parts  [2]unix.Iovec            // ReadParts'
	gather [1 + MaxParts]unix.Iovec // WriteParts'
}

// TUNOffloads says what a TUN device may leave to its reader. With any, each packet
// has a virtio_net_hdr of VirtioLen octets in front, both ways
// (Documentation/networking/tuntap.rst, linux/virtio_net.h).
type TUNOffloads uint

// From nothing to everything.
const (
	TUNPlain  TUNOffloads = 0
	TUNHeader TUNOffloads = 1 // the header alone
	TUNTCP    TUNOffloads = TUNHeader | unix.TUN_F_CSUM<<8 | unix.TUN_F_TSO4<<8 | unix.TUN_F_TSO6<<8
	TUNAll    TUNOffloads = TUNTCP | unix.TUN_F_USO4<<8 | unix.TUN_F_USO6<<8 // Linux 6.2
)

// VirtioLen is the length of struct virtio_net_hdr.
const VirtioLen = 10

// OpenTUN creates the TUN interface name, or attaches to a persistent one, in
// the namespace of the calling thread, gives it the MTU mtu (octets) and
// brings it up. The interface goes away with the descriptor. EINVAL: the kernel does not have
// these offloads.
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

// linkUp sets the MTU of an interface and brings it up, both by netdevice(7).
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

// Name is the name the kernel gave the interface.
func (t *TUN) Name() string { return t.name }

// Read reads one packet, cut to len(p) bytes, or returns EAGAIN at once if the queue is empty. It
// is a raw system call: the call never sleeps, and entering and leaving it through the Go
// scheduler would cost as much as the read itself.
func (t *TUN) Read(p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(t.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Write gives the kernel one packet to receive. It never sleeps, for the
// reason given at Read. EINVAL: not an IP packet; EIO: the interface is down.
func (t *TUN) Write(p []byte) error {
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(t.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return errno
	}
	return nil
}

// ReadParts is Read into two places, one behind the other (readv(2)).
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

// MaxParts is how many parts WriteParts takes after the first.
const MaxParts = 256

// WriteParts is Write from several places (writev(2)): header, then at most MaxParts parts.
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

// Wait sleeps (ppoll(2)) until a packet can be read or event is raised, and
// reports whether it was the event. Only the reading goroutine may call it.
func (t *TUN) Wait(event *Event, p Processor) (raised bool, err error) {
	return waitReadable(&t.poll, t.fd, event, p)
}

// File gives the device away as a file of the Go scheduler's: one packet a read, one a write.
func (t *TUN) File() *os.File { return os.NewFile(uintptr(t.fd), t.name) }

// Close releases the queue, and with the last one the interface.
func (t *TUN) Close() error { return os.NewSyscallError("close", unix.Close(t.fd)) }
