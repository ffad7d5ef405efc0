package events

import (
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/nat"
	"github.com/tunnelbench/tunnelbench/netns"
)

// middleNode is the node in the middle of the wan link.
const middleNode = "middle"

// throughMiddle puts a node into the wan link of a topology.
//
//	┌───────────┐     ┌───────────────┐     ┌───────────┐
//	│ left  wan ├─────┤ left    right ├─────┤ wan right │
//	└───────────┘     └───────────────┘     └───────────┘
func throughMiddle(t netns.Topology) netns.Topology {
	t, _ = netns.Between(t)
	t.Nodes, t.Relays, t.Links = slices.Clone(t.Nodes), slices.Clone(t.Relays), slices.Clone(t.Links)
	rename := func(node *string) {
		if *node == netns.BetweenNode { // where --wan would start a relay
			*node = middleNode
		}
	}
	for _, nodes := range [][]string{t.Nodes, t.Relays} {
		for i := range nodes {
			rename(&nodes[i])
		}
	}
	for i := range t.Links {
		rename(&t.Links[i].A.Node)
		rename(&t.Links[i].B.Node)
	}
	return t
}

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
	return s.Net().NS(middleNode).Netlink(func(h *netlink.Handle) error {
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
