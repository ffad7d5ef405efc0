package sys

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// PacketPoll waits for several packet sockets at once.
type PacketPoll struct {
	fds     []unix.PollFd
	timeout unix.Timespec
}

// NewPacketPoll returns a poll of sockets. They must stay open while it is in use.
func NewPacketPoll(sockets ...*PacketSocket) *PacketPoll {
	p := &PacketPoll{}
	for _, s := range sockets {
		p.fds = append(p.fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	return p
}

// Wait sleeps (ppoll(2)) until a socket has a frame or the timeout expires. It never allocates.
func (p *PacketPoll) Wait(timeout time.Duration) error {
	p.timeout = unix.NsecToTimespec(int64(timeout))
	if _, err := unix.Ppoll(p.fds, &p.timeout, nil); err != nil && err != syscall.EINTR {
		return os.NewSyscallError("ppoll", err)
	}
	return nil
}
