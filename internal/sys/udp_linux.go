package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP is a blocking UDP socket outside the Go poller, bound to one address. It
// is not connected: where a datagram goes is said with each message.
type UDP struct{ fd int }

// ListenUDP binds a socket to local and asks for buffer octets of send and receive
// buffer, in the namespace of the calling thread. Without CAP_NET_ADMIN the
// buffers end at net.core.rmem_max and wmem_max (socket(7), SO_RCVBUFFORCE).
func ListenUDP(local netip.AddrPort, buffer int) (*UDP, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	u := &UDP{fd: fd}
	if err := u.listen(local, buffer); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return u, nil
}

func (u *UDP) listen(local netip.AddrPort, buffer int) error {
	if err := u.setBuffer(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, buffer); err != nil {
		return fmt.Errorf("receive buffer of %d: %w", buffer, err)
	}
	if err := u.setBuffer(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, buffer); err != nil {
		return fmt.Errorf("send buffer of %d: %w", buffer, err)
	}
	// The timeouts are not for themselves: calls that have one can be interrupted (see letIn).
	long := unix.Timeval{Sec: 3600}
	for _, what := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(u.fd, unix.SOL_SOCKET, what, &long); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(u.fd, sockaddr(local)); err != nil {
		return fmt.Errorf("bind %s: %w", local, err)
	}
	return nil
}

// AttachFilter attaches a BPF socket filter: the kernel runs it on each message before it is
// queued, and drops the message if the program returns 0 (socket(7), SO_ATTACH_BPF).
func (u *UDP) AttachFilter(programFD int) error {
	return os.NewSyscallError("setsockopt SO_ATTACH_BPF", unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, programFD))
}

// Name is an address and a port as system calls want them (sockaddr_in, _in6).
type Name struct {
	raw    unix.RawSockaddrInet6 // large enough for IPv4's too
	length uint32
}

// NewName makes the name of a socket.
func NewName(a netip.AddrPort) *Name {
	n := &Name{length: unix.SizeofSockaddrInet6}
	port := (*[2]byte)(unsafe.Pointer(&n.raw.Port)) // network order; in the same place for both families
	binary.BigEndian.PutUint16(port[:], a.Port())
	if a.Addr().Is4() {
		n.length = unix.SizeofSockaddrInet4
		n.raw.Family = unix.AF_INET
		(*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw)).Addr = a.Addr().As4()
		return n
	}
	n.raw.Family, n.raw.Addr = unix.AF_INET6, a.Addr().As16()
	return n
}

func (u *UDP) setBuffer(force, plain, octets int) error {
	err := unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, force, octets)
	if err == unix.EPERM {
		err = unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, plain, octets)
	}
	return os.NewSyscallError("setsockopt", err)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// ProbeSegmentation asks whether the kernel knows UDP_SEGMENT (udp(7), Linux
// 4.18). A route that cannot do it says so only when a datagram is sent.
func (u *UDP) ProbeSegmentation() error {
	return os.NewSyscallError("setsockopt UDP_SEGMENT", unix.SetsockoptInt(u.fd, unix.SOL_UDP, unix.UDP_SEGMENT, 0))
}

// EnableGRO lets the kernel hand over several datagrams of one sender at once
// (UDP_GRO, udp(7), Linux 5.0).
func (u *UDP) EnableGRO() error {
	return os.NewSyscallError("setsockopt UDP_GRO", unix.SetsockoptInt(u.fd, unix.SOL_UDP, unix.UDP_GRO, 1))
}

// DisableGRO undoes EnableGRO.
func (u *UDP) DisableGRO() error {
	return os.NewSyscallError("setsockopt UDP_GRO", unix.SetsockoptInt(u.fd, unix.SOL_UDP, unix.UDP_GRO, 0))
}

// ShutdownRead wakes a goroutine that sleeps in ReceiveVector.Receive. From now on Receive returns
// datagrams of length zero (shutdown(2)), so the caller needs a flag to know that it has to stop.
func (u *UDP) ShutdownRead() error {
	err := unix.Shutdown(u.fd, unix.SHUT_RD)
	if err == unix.ENOTCONN { // said of every unconnected socket, and done all the same (inet_shutdown in net/ipv4/af_inet.c)
		err = nil
	}
	return os.NewSyscallError("shutdown", err)
}

// Close releases the descriptor. Wake the receiver first.
func (u *UDP) Close() error { return os.NewSyscallError("close", unix.Close(u.fd)) }

// RefusesSegmentation reports whether err, from SendVector.Send, is how a
// kernel says that it cannot do UDP_SEGMENT on this way: EIO without checksum
// offload or with an xfrm policy, EINVAL otherwise (udp_send_skb in
// net/ipv4/udp.c, udp_cmsg_send). No ICMP message turns into either, so an
// unknown sender cannot make it come true.
func RefusesSegmentation(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL)
}

// IsBroken reports whether err, from ReceiveVector.Receive, is about the socket
// or its arguments and so will not pass. All others may: an interruption, want of
// memory, or an ICMP message (icmp_err_convert in net/ipv4/icmp.c) about
// something sent earlier, which anybody can forge.
func IsBroken(err error) bool {
	return errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSOCK) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EFAULT)
}

// VectorLen is how many messages one sendmmsg(2) or recvmmsg(2) carries here.
const VectorLen = 64

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// controlMessage is a cmsg(3) with room for the one option that is used in
// each direction: a 16-bit segment size out, an int in.
type controlMessage struct {
	header unix.Cmsghdr
	value  [8]byte
}

// SendVector is a vector of messages for sendmmsg(2), made once and used
// again and again without an allocation. It points into what was added until
// the next Reset.
type SendVector struct {
	messages [VectorLen]mmsghdr
	iovecs   [VectorLen]unix.Iovec
	control  [VectorLen]controlMessage
	n        int
}

// Reset empties the vector.
func (v *SendVector) Reset() { v.n = 0 }

// Len is the number of messages added.
func (v *SendVector) Len() int { return v.n }

// Full reports whether there is no room for another message.
func (v *SendVector) Full() bool { return v.n == VectorLen }

// Add appends a message to a socket. With segment > 0 the kernel cuts data into datagrams
// of segment octets, the last of which may be shorter (UDP_SEGMENT, udp(7));
// with 0 it is one datagram.
func (v *SendVector) Add(data []byte, segment int, to *Name) {
	iov, m := &v.iovecs[v.n], &v.messages[v.n]
	iov.Base = unsafe.SliceData(data)
	iov.SetLen(len(data))
	m.header = unix.Msghdr{Iov: iov, Name: (*byte)(unsafe.Pointer(&to.raw)), Namelen: to.length}
	m.header.SetIovlen(1)
	if segment > 0 {
		c := &v.control[v.n]
		c.header.Level, c.header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.header.SetLen(unix.CmsgLen(2))
		binary.NativeEndian.PutUint16(c.value[:], uint16(segment))
		m.header.Control = (*byte)(unsafe.Pointer(c))
		m.header.SetControllen(unix.CmsgSpace(2))
	}
	v.n++
}

// Send sends the messages with sendmmsg(2) and returns how many the kernel took. It returns an
// error only if the kernel took none; the error is about the first message. A caller sends the
// rest again to get its error.
func (v *SendVector) Send(u *UDP) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(u.fd), uintptr(unsafe.Pointer(&v.messages)), uintptr(v.n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Arrival is one received message: a datagram, or with UDP_GRO a row of
// datagrams of Segment octets each, of which the last may be shorter.
type Arrival struct {
	Data      []byte
	Segment   int            // 0: Data is one datagram
	Truncated bool           // Data was longer than its slot (MSG_TRUNC)
	Source    netip.AddrPort // without zone
}

// ReceiveVector is a vector of slots for recvmmsg(2), made once. What Receive
// returns is valid until the next call.
type ReceiveVector struct {
	messages [VectorLen]mmsghdr
	iovecs   [VectorLen]unix.Iovec
	names    [VectorLen]unix.RawSockaddrInet6 // large enough for IPv4's too
	control  [VectorLen]controlMessage
	arrivals [VectorLen]Arrival
	slab     []byte
	stride   int
	slots    int
	used     int // slots that the last call changed
}

// slotSkew keeps the beginnings of the slots, which are all that is used of
// them when packets are small, out of each other's cache sets.
const slotSkew = 192

// NewReceiveVector makes at most VectorLen slots of size octets.
func NewReceiveVector(slots, size int) *ReceiveVector {
	v := &ReceiveVector{slots: min(slots, VectorLen), stride: size + slotSkew}
	v.slab = make([]byte, v.slots*v.stride)
	for i := range v.slots {
		v.iovecs[i].Base = &v.slab[i*v.stride]
		v.iovecs[i].SetLen(size)
		h := &v.messages[i].header
		h.Iov = &v.iovecs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&v.names[i]))
		h.Control = (*byte)(unsafe.Pointer(&v.control[i]))
	}
	v.used = v.slots
	return v
}

// Receive waits for a message, takes as many more as are there, and returns
// them (recvmmsg(2), MSG_WAITFORONE).
func (v *ReceiveVector) Receive(u *UDP, p Processor) ([]Arrival, error) {
	for i := range v.used { // the kernel wrote lengths where it reads room
		h := &v.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(unix.CmsgSpace(4))
	}
	v.used = 0
	var n uintptr
	var errno syscall.Errno
	if p == Kept {
		n, _, errno = unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(u.fd), uintptr(unsafe.Pointer(&v.messages)), uintptr(v.slots), unix.MSG_WAITFORONE, 0, 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_RECVMMSG, uintptr(u.fd), uintptr(unsafe.Pointer(&v.messages)), uintptr(v.slots), unix.MSG_WAITFORONE, 0, 0)
	}
	if errno != 0 {
		v.used = 1
		if errno == syscall.EINTR {
			letIn()
		}
		return nil, errno
	}
	v.used = int(n)
	for i := range v.used {
		v.arrivals[i] = v.arrival(i)
	}
	return v.arrivals[:n], nil
}

func (v *ReceiveVector) arrival(i int) Arrival {
	m := &v.messages[i]
	start := i * v.stride
	return Arrival{
		Data:      v.slab[start : start+int(m.length) : start+int(m.length)],
		Segment:   v.segment(i),
		Truncated: m.header.Flags&unix.MSG_TRUNC != 0,
		Source:    v.source(i),
	}
}

// segment reads the UDP_GRO control message, an int; there is none when the
// message is a single datagram.
func (v *ReceiveVector) segment(i int) int {
	if int(v.messages[i].header.Controllen) < unix.CmsgLen(4) {
		return 0
	}
	c := &v.control[i]
	if c.header.Level != unix.SOL_UDP || c.header.Type != unix.UDP_GRO {
		return 0
	}
	return int(int32(binary.NativeEndian.Uint32(c.value[:])))
}

func (v *ReceiveVector) source(i int) netip.AddrPort {
	name := &v.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) // network order; in the same place for both families
	p := uint16(port[0])<<8 | uint16(port[1])
	if name.Family == unix.AF_INET {
		name4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(name4.Addr), p)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), p)
}
