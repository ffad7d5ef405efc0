//go:build !linux

package dut

import (
	"errors"

	"github.com/vishvananda/netlink"
)

func (s Shape) put(*netlink.Handle, string) error { return errors.ErrUnsupported }

func putNetem(*netlink.Handle, string) error { return errors.ErrUnsupported }
