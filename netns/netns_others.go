//go:build !linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// errNeedsLinux is the error of all functions that need the Linux kernel, on other systems.
var errNeedsLinux = fmt.Errorf("network namespaces need Linux: %w", errors.ErrUnsupported)

func addVeth(Link, *NS, *NS) error { return errNeedsLinux }

// Netlink runs fn with a route netlink handle of the namespace.
func (ns *NS) Netlink(func(*netlink.Handle) error) error { return errNeedsLinux }

func (ns *NS) silence(string) error { return errNeedsLinux }

func (ns *NS) move(string, string, *NS) error { return errNeedsLinux }

// SetUp sets the MTU of an interface and brings the interface up.
func (ns *NS) SetUp(string, int) error { return errNeedsLinux }

// IsUp reports whether the interface exists and is up.
func (ns *NS) IsUp(string) (bool, error) { return false, errNeedsLinux }

// AddAddr gives an interface an address.
func (ns *NS) AddAddr(string, netip.Prefix) error { return errNeedsLinux }

// AddRoute adds a route.
func (ns *NS) AddRoute(Route) error { return errNeedsLinux }

// AddNeighbour adds a permanent neighbour entry.
func (ns *NS) AddNeighbour(Neighbour) error { return errNeedsLinux }

// Lock takes the lock of the machine.
func Lock(context.Context, bool) (*Held, error) { return nil, errNeedsLinux }

// Inode returns the inode number of the namespace.
func (ns *NS) Inode() (uint32, error) { return 0, errNeedsLinux }
