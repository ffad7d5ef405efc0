//go:build !linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// The laboratory needs Linux; elsewhere what touches a kernel says so.
var errNeedsLinux = fmt.Errorf("network namespaces need Linux: %w", errors.ErrUnsupported)

func addVeth(Link, *NS, *NS) error { return errNeedsLinux }

// Netlink runs fn with a route netlink handle of the namespace.
func (ns *NS) Netlink(func(*netlink.Handle) error) error { return errNeedsLinux }

func (ns *NS) silence(string) error { return errNeedsLinux }

func (ns *NS) move(string, string, *NS) error { return errNeedsLinux }

// SetUp sets an interface's MTU (0: leave it) and brings it up.
func (ns *NS) SetUp(string, int) error { return errNeedsLinux }

// IsUp reports whether the interface is there and up.
func (ns *NS) IsUp(string) (bool, error) { return false, errNeedsLinux }

// AddAddr gives an interface an address.
func (ns *NS) AddAddr(string, netip.Prefix) error { return errNeedsLinux }

// AddRoute adds a route.
func (ns *NS) AddRoute(Route) error { return errNeedsLinux }

// AddNeighbour ties an address to a MAC for good.
func (ns *NS) AddNeighbour(Neighbour) error { return errNeedsLinux }

// Lock takes the machine's lock.
func Lock(context.Context, bool) (*Held, error) { return nil, errNeedsLinux }

// Inode says that this system has no network namespaces.
func (ns *NS) Inode() (uint32, error) { return 0, errNeedsLinux }
