package events

import (
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/nat"
	"github.com/tunnelbench/tunnelbench/netns"
)

// openSwitch joins the interfaces in the middle by the kernel's bridge.
func openSwitch(_ *stand, ns *netns.NS) error {
	return ns.Netlink(func(h *netlink.Handle) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "bridge"
		snooping := false
		bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
		if err := h.LinkAdd(bridge); err != nil {
			return lab.UnsupportedError(fmt.Sprintf("this kernel has no bridge (CONFIG_BRIDGE): %v", err))
		}
		for _, port := range []string{netns.Left, netns.Right} {
			link, err := h.LinkByName(port)
			if err == nil {
				err = h.LinkSetMaster(link, bridge)
			}
			if err != nil {
				return err
			}
		}
		return h.LinkSetUp(bridge)
	})
}

// setLink raises or lowers the switch's port towards the left end, whose own interface loses its carrier and keeps its
// routes.
func (s *stand) setLink(up bool) error {
	return s.Net().NS(netns.BetweenNode).Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(netns.Left)
		if err != nil {
			return err
		}
		if up {
			return h.LinkSetUp(link)
		}
		return h.LinkSetDown(link)
	})
}

// openNAT joins the interfaces in the middle by a NAT.
func openNAT(s *stand, ns *netns.NS) (err error) {
	const largest = netns.DefaultWANMTU + 14
	s.nat, err = nat.Open(ns, netns.Left, netns.Right, largest)
	return err
}
