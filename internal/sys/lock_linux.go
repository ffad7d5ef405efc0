package sys

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// PeerPID returns the process at the other end of a unix socket. Before the connection is
// accepted, this is the listening process (unix(7), SO_PEERCRED).
func PeerPID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = credErr
	}
	if err != nil {
		return 0, fmt.Errorf("SO_PEERCRED: %w", err)
	}
	return int(cred.Pid), nil
}
