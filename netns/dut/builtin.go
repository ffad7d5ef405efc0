package dut

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// startSelf runs the built-in tunnel name on both sides. It starts this program, or the other
// build of this program that the user named.
func (b Env) startSelf(ctx context.Context, name string) (*Session, error) {
	self, err := b.self()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, self, role.Word, name)
}

// self returns the path of the program that runs the built-in tunnel.
func (b Env) self() (string, error) {
	if b.Build != "" {
		return b.Build, nil
	}
	return os.Executable()
}

// probeTUN returns an error that wraps errors.ErrUnsupported if this process cannot create a
// TUN device.
func probeTUN(context.Context) error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: cannot open /dev/net/tun (modprobe tun, or give the container the device): %w", errors.ErrUnsupported, err)
	}
	return f.Close()
}
