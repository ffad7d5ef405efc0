//go:build !linux

package dut

import (
	"errors"

	"github.com/vishvananda/netlink"
)

func putNetem(*netlink.Handle, string) error { return errors.ErrUnsupported }
