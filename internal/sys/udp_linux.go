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

// UDP is a blocking UDP socket that is bound to one address and does not use the Go poller. It is
// not connected: each message names its destination.
type UDP struct{ fd int }

// ListenUDP opens a socket in the namespace of the calling thread, binds it to local and asks for
// send and receive buffers of buffer bytes. Without CAP_NET_ADMIN the kernel limits them to
// net.core.rmem_max and wmem_max (socket(7), SO_RCVBUFFORCE).
func ListenUDP(local netip.AddrPort, buffer int) (*UDP, error) {
	fd, local, err := socketFor(local, func(family int) (int, error) {
		return unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	})
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

// socketFor makes a socket for a local address. [::] takes both families; of a kernel without IPv6, it is 0.0.0.0.
func socketFor(local netip.AddrPort, socket func(family int) (int, error)) (int, netip.AddrPort, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := socket(family)
	if err == unix.EAFNOSUPPORT && local.Addr() == netip.IPv6Unspecified() {
		return socketFor(netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port()), socket)
	}
	return fd, local, err
}

func (u *UDP) listen(local netip.AddrPort, buffer int) error {
	if err := u.setBuffer(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, buffer); err != nil {
		return fmt.Errorf("receive buffer of %d: %w", buffer, err)
	}
	if err := u.setBuffer(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, buffer); err != nil {
		return fmt.Errorf("send buffer of %d: %w", buffer, err)
	}
	// Only a socket call with a timeout can be interrupted by a signal (see letIn). The value does
	// not matter.
	long := unix.Timeval{Sec: 3600}
	for _, what := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(u.fd, unix.SOL_SOCKET, what, &long); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if local.Addr() == netip.IPv6Unspecified() { // whatever net.ipv6.bindv6only says
		if err := unix.SetsockoptInt(u.fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
			return os.NewSyscallError("setsockopt IPV6_V6ONLY", err)
		}
	}
	if err := unix.Bind(u.fd, sockaddr(local)); err != nil {
		return fmt.Errorf("bind %s: %w", local, err)
	}
	return nil
}

// Port returns the port that the socket is bound to (getsockname(2)).
func (u *UDP) Port() (uint16, error) {
	name, err := unix.Getsockname(u.fd)
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port), nil
	case *unix.SockaddrInet6:
		return uint16(a.Port), nil
	}
	return 0, os.NewSyscallError("getsockname", err)
}

// AttachFilter attaches a BPF socket filter: the kernel runs it on each message before it is
// queued, and drops the message if the program returns 0 (socket(7), SO_ATTACH_BPF).
func (u *UDP) AttachFilter(programFD int) error {
	return os.NewSyscallError("setsockopt SO_ATTACH_BPF", unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, programFD))
}

// Name is an address and a port in the form that system calls use (sockaddr_in, sockaddr_in6).
type Name struct {
	raw    unix.RawSockaddrInet6 // has room for IPv4 too
	length uint32
}

// NewName converts an address and a port.
func NewName(a netip.AddrPort) *Name {
	n := &Name{length: unix.SizeofSockaddrInet6}
	port := (*[2]byte)(unsafe.Pointer(&n.raw.Port)) // network byte order; same offset in both families
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

// ProbeSegmentation returns nil if the kernel knows UDP_SEGMENT (udp(7), Linux 4.18). If only the
// route lacks it, the error comes with the first datagram that is sent.
func (u *UDP) ProbeSegmentation() error {
	return os.NewSyscallError("setsockopt UDP_SEGMENT", unix.SetsockoptInt(u.fd, unix.SOL_UDP, unix.UDP_SEGMENT, 0))
}

// EnableGRO lets the kernel deliver several datagrams of one sender in one message (UDP_GRO,
// udp(7), Linux 5.0).
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
	if err == unix.ENOTCONN { // returned for every unconnected socket, although the shutdown was done (inet_shutdown in net/ipv4/af_inet.c)
		err = nil
	}
	return os.NewSyscallError("shutdown", err)
}

// Close closes the descriptor. Wake the receiver first.
func (u *UDP) Close() error { return os.NewSyscallError("close", unix.Close(u.fd)) }

// RefusesSegmentation reports whether an error of SendVector.Send means that UDP_SEGMENT does not
// work on this route: EIO without checksum offload or with an xfrm policy, EINVAL otherwise
// (udp_send_skb in net/ipv4/udp.c, udp_cmsg_send). No ICMP message leads to these errors, so an
// attacker cannot cause them.
func RefusesSegmentation(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL)
}

// IsBroken reports whether an error of ReceiveVector.Receive is permanent because it is about the
// socket or the arguments. All other errors are temporary: an interruption, lack of memory, or an
// ICMP error for an earlier datagram (icmp_err_convert in net/ipv4/icmp.c), which anyone can
// forge.
func IsBroken(err error) bool {
	return errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.ENOTSOCK) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EFAULT)
}

// VectorLen is the largest number of messages in one sendmmsg(2) or recvmmsg(2).
const VectorLen = 64

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// controlMessage is a cmsg(3) with one option: a 16-bit segment size when sending, an int when
// receiving.
type controlMessage struct {
	header unix.Cmsghdr
	value  [8]byte
}

// SendVector is a reusable list of messages for sendmmsg(2); using it does not allocate. It points
// into the added data until the next Reset.
type SendVector struct {
	messages [VectorLen]mmsghdr
	iovecs   [VectorLen]unix.Iovec
	control  [VectorLen]controlMessage
	n        int
}

// Reset empties the vector.
func (v *SendVector) Reset() { v.n = 0 }

// Len returns the number of messages.
func (v *SendVector) Len() int { return v.n }

// Full reports whether there is no room for another message.
func (v *SendVector) Full() bool { return v.n == VectorLen }

// Add appends a message for one destination. If segment > 0, the kernel cuts data into datagrams
// of segment bytes; the last one may be shorter (UDP_SEGMENT, udp(7)). If it is 0, data is one
// datagram.
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
// error only if the kernel took none; the error is about the first message. After a partial send,
// call Send again with the rest to get its error.
func (v *SendVector) Send(u *UDP) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(u.fd), uintptr(unsafe.Pointer(&v.messages)), uintptr(v.n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Arrival is one received message: a datagram, or with UDP_GRO a sequence of datagrams of Segment
// bytes each; the last one may be shorter.
type Arrival struct {
	Data      []byte
	Segment   int            // 0: Data is one datagram
	Truncated bool           // Data was longer than the slot (MSG_TRUNC)
	Source    netip.AddrPort // without a zone, IPv4 not mapped
}

// ReceiveVector is a reusable list of slots for recvmmsg(2). The result of Receive is valid until
// the next call.
type ReceiveVector struct {
	messages [VectorLen]mmsghdr
	iovecs   [VectorLen]unix.Iovec
	names    [VectorLen]unix.RawSockaddrInet6 // each has room for IPv4 too
	control  [VectorLen]controlMessage
	arrivals [VectorLen]Arrival
	slab     []byte
	stride   int
	slots    int
	used     int // slots that the last call filled
}

// slotSkew is added to the distance of the slots, so that their first bytes fall into different
// sets of the CPU cache. Small packets use only these bytes.
const slotSkew = 192

// NewReceiveVector returns a vector of at most VectorLen slots of size bytes each.
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

// Receive waits for one message and returns it with all others that are already queued
// (recvmmsg(2), MSG_WAITFORONE).
func (v *ReceiveVector) Receive(u *UDP, p Processor) ([]Arrival, error) {
	for i := range v.used { // the kernel has replaced the buffer lengths by message lengths
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

// segment returns the segment size in the UDP_GRO control message (an int). There is no such
// message for a single datagram; segment then returns 0.
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
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) // network byte order; same offset in both families
	p := uint16(port[0])<<8 | uint16(port[1])
	if name.Family == unix.AF_INET {
		name4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(name4.Addr), p)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), p) // a socket of [::] has IPv4 addresses mapped (RFC 4291, 2.5.5.2)
}
