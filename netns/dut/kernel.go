package dut

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
)

// wire connects the tester's two ports directly. A measurement of wire shows the limits of the
// tester itself.
var _ = register(Tunnel{
	Order: 0,
	Name:  "wire", Kind: Calibration, Probe: probeNothing, Network: netns.Wire,
	Doc: "the tester's two ports joined: the most that can be measured here",
})

// plain routes packets through left and right without a tunnel. A measurement of plain shows
// the cost of the two routers alone.
var plain = register(Tunnel{
	Order: 10,
	Name:  "plain", Kind: Calibration, Probe: probeNothing,
	Doc: "routing through left and right, no tunnel: what any tunnel pays as well",
	Up: func(_ context.Context, b Env) (*Session, error) {
		for _, s := range sides {
			ns := b.Net.NS(s.node)
			if err := ns.AddRoute(netns.Route{Dev: netns.WAN, To: s.ip4.nets, Via: s.peer}); err != nil {
				return nil, err
			}
			if !b.IPv6 {
				continue
			}
			if err := ns.AddRoute(netns.Route{Dev: netns.WAN, To: s.ip6.nets, Via: s.peer6}); err != nil {
				return nil, err
			}
		}
		return &Session{}, nil
	},
})

// vxlan is the VXLAN implementation of the Linux kernel (RFC 7348). The datagram format, in
// bytes:
//
//	outer IPv4 20 | UDP 8 | VXLAN 8 | inner Ethernet 14 | inner IP packet
var _ = register(Tunnel{
	Order: 40,
	Name:  "vxlan", Kind: Plain, Protocol: "vxlan", Overhead: 50,
	Doc:   "the kernel's VXLAN (RFC 7348)",
	Probe: probeVXLAN, Modules: []string{"vxlan"},
	Up: func(_ context.Context, b Env) (*Session, error) {
		return b.bothLinks(func(s side, attrs netlink.LinkAttrs, wan int) netlink.Link {
			return &netlink.Vxlan{
				LinkAttrs: attrs, VxlanId: vxlanID, VtepDevIndex: wan,
				SrcAddr: s.local.AsSlice(), Group: s.peer.AsSlice(), Port: vxlanPort,
			}
		})
	},
})

const (
	vxlanID   = 9
	vxlanPort = 4789
)

// makeLink returns the interface of one side of a tunnel of the kernel; wan is the index of the
// underlay's interface.
type makeLink func(s side, attrs netlink.LinkAttrs, wan int) netlink.Link

// addLink adds the interface of one side.
func (b Env) addLink(s side, link makeLink) error {
	return b.Net.NS(s.node).Netlink(func(h *netlink.Handle) error {
		wan, err := h.LinkByName(netns.WAN)
		if err != nil {
			return fmt.Errorf("%s: %w", netns.WAN, err)
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = s.dev, b.MTU
		l := link(s, attrs, wan.Attrs().Index)
		if err := h.LinkAdd(l); err != nil {
			return fmt.Errorf("%s %s: %w", l.Type(), s.dev, err)
		}
		return nil
	})
}

// bothLinks brings up a tunnel of the kernel that is nothing but an interface on each side.
func (b Env) bothLinks(link makeLink) (*Session, error) {
	for _, s := range sides {
		if err := b.addLink(s, link); err != nil {
			return nil, err
		}
	}
	return &Session{}, b.connect([2]end{})
}

// probeVXLAN reports whether the kernel has VXLAN.
func probeVXLAN(context.Context) error {
	return probeLink("CONFIG_VXLAN", func(attrs netlink.LinkAttrs) netlink.Link {
		return &netlink.Vxlan{LinkAttrs: attrs, VxlanId: vxlanID, Port: vxlanPort}
	})
}

// probeLink creates an interface in a temporary namespace. This is the only reliable test for a
// tunnel in the kernel, which may load its module during the test. option is the kernel's option.
func probeLink(option string, link func(attrs netlink.LinkAttrs) netlink.Link) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	err = ns.Netlink(func(h *netlink.Handle) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "tb-probe"
		return h.LinkAdd(link(attrs))
	})
	if err != nil {
		err = fmt.Errorf("%w: this kernel makes no such interface (%s): %w", errors.ErrUnsupported, option, err)
	}
	return errors.Join(err, ns.Close())
}
