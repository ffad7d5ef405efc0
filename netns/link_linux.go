package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// Netlink opens a route netlink handle in the namespace, runs fn with the handle and closes it.
func (ns *NS) Netlink(fn func(*netlink.Handle) error) error {
	var h *netlink.Handle
	err := ns.Do(func() (err error) {
		h, err = netlink.NewHandle(syscall.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return err
	}
	defer h.Close()
	if err := fn(h); err != nil {
		return fmt.Errorf("%s: %w", ns.name, err)
	}
	return nil
}

// onLink runs fn with the interface dev of the namespace.
func (ns *NS) onLink(dev, what string, fn func(*netlink.Handle, netlink.Link) error) error {
	return ns.Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(dev)
		if err == nil {
			err = fn(h, link)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", dev, what, err)
		}
		return nil
	})
}

// addVeth creates a veth pair. The kernel creates each end directly in its namespace, so the names
// cannot collide with interfaces of the machine.
func addVeth(l Link, a, b *NS) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = l.A.Name
	attrs.MTU = l.MTU
	attrs.NumTxQueues, attrs.NumRxQueues = 1, 1
	attrs.HardwareAddr = hardware(l.A.MAC)
	veth := netlink.NewVeth(attrs)
	veth.PeerName = l.B.Name
	veth.PeerHardwareAddr = hardware(l.B.MAC)
	veth.PeerNamespace = netlink.NsFd(b.Fd())
	return a.Netlink(func(h *netlink.Handle) error {
		if err := h.LinkAdd(veth); err != nil {
			return fmt.Errorf("veth %s-%s: %w", l.A.name(), l.B.name(), err)
		}
		return nil
	})
}

// hardware returns m as a net.HardwareAddr. It returns nil for a zero address, and the kernel then
// chooses an address.
func hardware(m MAC) net.HardwareAddr {
	if m == (MAC{}) {
		return nil
	}
	return m[:]
}

// silence turns off ARP and multicast on an interface, so that the kernel sends no frames by
// itself.
func (ns *NS) silence(dev string) error {
	return ns.onLink(dev, "silence", func(h *netlink.Handle, link netlink.Link) error {
		return errors.Join(h.LinkSetARPOff(link), h.LinkSetMulticastOff(link))
	})
}

// SetUp sets the MTU of an interface and brings the interface up. If mtu is 0, the MTU stays as it
// is.
func (ns *NS) SetUp(dev string, mtu int) error {
	return ns.onLink(dev, "bring up", func(h *netlink.Handle, link netlink.Link) error {
		if mtu > 0 {
			if err := h.LinkSetMTU(link, mtu); err != nil {
				return fmt.Errorf("mtu %d: %w", mtu, err)
			}
		}
		return h.LinkSetUp(link)
	})
}

// IsUp reports whether the interface exists and is up. A missing interface is not an error.
func (ns *NS) IsUp(dev string) (bool, error) {
	up := false
	err := ns.onLink(dev, "look up", func(_ *netlink.Handle, link netlink.Link) error {
		up = link.Attrs().Flags&net.FlagUp != 0
		return nil
	})
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return false, nil
	}
	return up, err
}

// addrLimit is the maximum time until a new IPv6 address receives packets. Usually it takes a few
// ms; where namespaces are taken down at the same time, seconds.
const addrLimit = 30 * time.Second

// AddAddr adds an address to an interface without duplicate address detection. If the interface is
// up, the address receives packets as soon as AddAddr returns. An IPv6 address also enables IPv6
// on the interface, which Build has disabled.
func (ns *NS) AddAddr(dev string, p netip.Prefix) error {
	return ns.onLink(dev, "address "+p.String(), func(h *netlink.Handle, link netlink.Link) error {
		addr := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			addr.Flags = syscall.IFA_F_NODAD
			err := ns.SetSysctl("net/ipv6/conf/"+dev+"/disable_ipv6", "0")
			if errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("%w: no IPv6 in this kernel, or an MTU below %d: %w", errors.ErrUnsupported, minMTU6, err)
			}
			if err != nil {
				return err
			}
		}
		if err := h.AddrReplace(link, addr); err != nil {
			return err
		}
		if p.Addr().Is4() || link.Attrs().Flags&net.FlagUp == 0 {
			return nil
		}
		return awaitLocal(h, p.Addr())
	})
}

// awaitLocal waits for the local route of an IPv6 address. The kernel drops packets to the address
// until the route exists. The kernel adds the route in a work queue (addrconf_dad_work), even
// without duplicate address detection.
func awaitLocal(h *netlink.Handle, addr netip.Addr) error {
	for deadline := time.Now().Add(addrLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		routes, err := h.RouteGet(addr.AsSlice())
		if err != nil {
			return err
		}
		if len(routes) > 0 && routes[0].Type == syscall.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("not in use after %v", addrLimit)
}

// AddRoute adds a route to the namespace. It ignores r.Node.
func (ns *NS) AddRoute(r Route) error {
	return ns.onLink(r.Dev, "route to "+r.To.String(), func(h *netlink.Handle, link netlink.Link) error {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r.To)}
		if r.Via.IsValid() {
			route.Gw = r.Via.AsSlice()
		} else {
			route.Scope = netlink.SCOPE_LINK
		}
		return h.RouteAdd(route)
	})
}

// AddNeighbour adds a permanent neighbour entry to the namespace. It ignores n.Node.
func (ns *NS) AddNeighbour(n Neighbour) error {
	return ns.onLink(n.Dev, "neighbour "+n.Addr.String(), func(h *netlink.Handle, link netlink.Link) error {
		return h.NeighSet(&netlink.Neigh{
			LinkIndex:    link.Attrs().Index,
			State:        netlink.NUD_PERMANENT,
			IP:           n.Addr.AsSlice(),
			HardwareAddr: n.MAC[:],
		})
	})
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// move brings an interface down, renames it and moves it to another namespace.
func (ns *NS) move(dev, name string, to *NS) error {
	return ns.onLink(dev, "move", func(h *netlink.Handle, link netlink.Link) error {
		if err := h.LinkSetDown(link); err != nil {
			return err
		}
		if err := h.LinkSetName(link, name); err != nil {
			return err
		}
		return h.LinkSetNsFd(link, to.Fd())
	})
}
