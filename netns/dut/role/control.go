package role

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/uapi"
)

// ControlSocket is the name of the socket of an end, in the directory that both sides share. It speaks WireGuard's
// configuration protocol (https://www.wireguard.com/xplatform/). An end listens by this relative path: that of the
// directory may be longer than a socket's address.
func ControlSocket(side string) string { return "wireguard-" + side + ".sock" }

// control answers requests to our own tunnel until it is closed.
func control(t *reference.Tunnel, side string) (*uapi.Server, error) {
	server, err := uapi.Listen(ControlSocket(side))
	if err != nil {
		return nil, err
	}
	go server.Serve(t, func(err error) { fmt.Fprintf(os.Stderr, "control socket: %v\n", err) })
	return server, nil
}

// controlLibrary hands requests to a library until ctx is done.
func controlLibrary(ctx context.Context, d library, side string) error {
	path := ControlSocket(side)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // of an earlier start
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.IpcHandle(c)
		}
	}()
	return nil
}
