package counters

import (
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
)

// Traffic is what passed an interface since it was made: frames without FCS.
type Traffic struct{ SentOctets, SentPackets, ReceivedOctets, ReceivedPackets uint64 }

// TrafficOf reads the counters of an interface.
func TrafficOf(ns *netns.NS, dev string) (t Traffic, err error) {
	err = ns.Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(dev)
		if err != nil {
			return err
		}
		n := link.Attrs().Statistics
		t = Traffic{n.TxBytes, n.TxPackets, n.RxBytes, n.RxPackets}
		return nil
	})
	return t, err
}
