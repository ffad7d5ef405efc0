package dut

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// builtin returns the end of a built-in tunnel: this program, or another build of it that the user
// named, in a role.
func (b Env) builtin(name string) (end, error) {
	self, err := b.self()
	return end{path: self, args: []string{role.Word, name}, params: b.Params, contract: contract2}, err
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
