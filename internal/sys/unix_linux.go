package sys

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenPrivate listens on a unix socket at a path that only its owner may use, from the first moment on: bind takes
// the mode of the socket (unix_bind in net/unix/af_unix.c).
func ListenPrivate(path string) (*net.UnixListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if failed := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); failed != nil {
			return failed
		}
		return err
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}
