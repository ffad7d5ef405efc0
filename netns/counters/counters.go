// Package counters reads where and why the kernel dropped frames in the test network.
//
// Read takes a snapshot of all drop counters. The difference between two snapshots is the drops of
// a trial. A Watch counts the kernel's drop reasons.
package counters

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Place names a counter. Node is empty for a counter of the whole machine. Device is empty for a
// counter of a whole node.
type Place struct{ Node, Device, Kind string }

// Snapshot holds the value of each counter in frames, since the creation of its namespace.
type Snapshot map[Place]int64

// Since returns the drops since an earlier snapshot, sorted by place. It leaves out counters that
// did not change and counters that no longer exist. A counter that is new, or
// that began again because its interface was made again, starts from 0.
func (s Snapshot) Since(before Snapshot) rfc2544.Drops {
	drops := rfc2544.Drops{}
	for place, n := range s {
		d := n - before[place]
		if d < 0 {
			d = n
		}
		if d != 0 {
			drops = append(drops, rfc2544.Drop{Node: place.Node, Device: place.Device, Kind: place.Kind, Also: also[place.Kind], Frames: d})
		}
	}
	slices.SortFunc(drops, func(a, b rfc2544.Drop) int { return cmp.Compare(a.Place(), b.Place()) })
	return drops
}

// also lists the kinds of counters whose frames are counted a second time by another counter.
var also = map[string]bool{
	"backlog":            true, // also in rx_dropped of the interface that received the frame
	"queue_drops":        true, // of a veth; also in its rx_dropped
	"xdp_xmit_errors":    true, // of a veth; also in its tx_dropped
	"xdp_tx_errors":      true, // of a veth; also in its tx_dropped
	"stacked_tx_dropped": true, // of a kernel tunnel; also in tx_dropped of the underlay interface
	"ip out_discards":    true, // an interface dropped a packet of a local socket; also in its tx_dropped
	"ip6 out_discards":   true,
	"udp sndbuf":         true, // also in tx_dropped of the interface, or reported to the sender as an error
	"udp6 sndbuf":        true,
}

// Sinks returns the counters of frames that a tester's port could not receive because its ring was
// full. The other end of the link counts these frames.
func Sinks(t netns.Topology) (places []Place) {
	for _, l := range t.Links {
		for _, ends := range [][2]netns.End{{l.A, l.B}, {l.B, l.A}} {
			if sink, peer := ends[0], ends[1]; sink.Sink {
				places = append(places, Place{peer.Node, peer.Name, txDropped})
			}
		}
	}
	return places
}

// The kinds of counters that settleVeth compares.
const (
	rxDropped     = "rx_dropped"
	txDropped     = "tx_dropped"
	xdpXmitErrors = "xdp_xmit_errors"
)

// devStats holds the drop counters of an interface as read from the kernel.
type devStats struct {
	stacked              bool // a kernel tunnel, which sends through another interface
	rxDropped, txDropped int64
	rxErrors, txErrors   int64
	rxMissed             int64
	qdisc                int64
	driver               map[string]int64 // statistics of the driver (ethtool -S)
}

// count adds the counters of an interface to all. It leaves out xdp_drops of a tester's port,
// because the tester's XDP program drops every frame after counting it.
func (s devStats) count(all Snapshot, dev device, sink bool) {
	all[dev.place(rxDropped)] = s.rxDropped
	if s.stacked {
		all[dev.place("stacked_tx_dropped")] = s.txDropped
	} else {
		all[dev.place(txDropped)] = s.txDropped
	}
	all[dev.place("rx_errors")] = s.rxErrors
	all[dev.place("tx_errors")] = s.txErrors
	all[dev.place("rx_missed")] = s.rxMissed
	all[dev.place("qdisc")] = s.qdisc
	for key, n := range s.driver {
		kind, ok := driverCounter(key)
		if ok && !(sink && kind == "xdp_drops") {
			all[dev.place(kind)] += n
		}
	}
}

// device is an interface of a node.
type device struct{ node, name string }

func deviceOf(e netns.End) device { return device{e.Node, e.Name} }

func (d device) place(kind string) Place { return Place{d.node, d.name, kind} }

// driverCounter returns the name of a veth statistic without its queue, for statistics that count
// losses: rx_queue_0_xdp_drops becomes xdp_drops.
func driverCounter(key string) (string, bool) {
	for _, queue := range []string{"rx_queue_", "tx_queue_"} {
		rest, ok := strings.CutPrefix(key, queue)
		if !ok {
			continue
		}
		_, counter, _ := strings.Cut(rest, "_")
		switch counter {
		case "drops":
			return "queue_drops", true
		case "xdp_drops", "xdp_tx_errors", "xdp_redirect_errors", "xdp_xmit_errors":
			return counter, true
		}
	}
	return "", false
}

// settleVeth corrects the counters of a veth pair for frames that both ends count
// (drivers/net/veth.c). If the receiver's ring is full for an XDP frame, the frame is in tx_dropped
// of the sender and in rx_dropped of the receiver. settleVeth subtracts it from the receiver. A
// receiver without NAPI (polled is false) receives through the backlog of a CPU. A frame that is
// dropped there is also in both counters. settleVeth subtracts it from the sender.
func (s Snapshot) settleVeth(sender, receiver device, polled bool) {
	tx, rx := sender.place(txDropped), receiver.place(rxDropped)
	s[rx] = max(0, s[rx]-s[sender.place(xdpXmitErrors)])
	if !polled {
		s[tx] = max(0, s[tx]-s[rx])
	}
}
