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
	Probe: probeVXLAN,
	Up: func(_ context.Context, b Env) (*Session, error) {
		for _, s := range sides {
			if err := b.addVXLAN(s); err != nil {
				return nil, err
			}
		}
		return &Session{}, b.connect()
	},
})

const (
	vxlanID   = 9
	vxlanPort = 4789
)

func (b Env) addVXLAN(s side) error {
	return b.Net.NS(s.node).Netlink(func(h *netlink.Handle) error {
		wan, err := h.LinkByName(netns.WAN)
		if err != nil {
			return fmt.Errorf("%s: %w", netns.WAN, err)
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = s.dev, b.MTU
		link := &netlink.Vxlan{
			LinkAttrs: attrs, VxlanId: vxlanID, VtepDevIndex: wan.Attrs().Index,
			SrcAddr: s.local.AsSlice(), Group: s.peer.AsSlice(), Port: vxlanPort,
		}
		if err := h.LinkAdd(link); err != nil {
			return fmt.Errorf("vxlan %s: %w", s.dev, err)
		}
		return nil
	})
}

// probeVXLAN creates a VXLAN interface in a temporary namespace. This is the only reliable test
// for VXLAN in the kernel. The kernel may load its vxlan module during the test.
func probeVXLAN(context.Context) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	err = ns.Netlink(func(h *netlink.Handle) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "tb-probe"
		return h.LinkAdd(&netlink.Vxlan{LinkAttrs: attrs, VxlanId: vxlanID, Port: vxlanPort})
	})
	if err != nil {
		err = fmt.Errorf("%w: this kernel makes no VXLAN interface (CONFIG_VXLAN): %w", errors.ErrUnsupported, err)
	}
	return errors.Join(err, ns.Close())
}
