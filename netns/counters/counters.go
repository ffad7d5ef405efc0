// Package counters reads where the kernel of a laboratory's network dropped frames, and
// its own reasons for it.
//
// Read takes a snapshot of every drop counter; two snapshots make the drops of a trial.
// A Watch asks the kernel for the reason of each dropped packet.
package counters

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Place is one counter. Node is empty for a counter of the whole machine, Device for one
// of a whole node.
type Place struct{ Node, Device, Kind string }

// Snapshot is the number of frames that each counter has counted since its namespace began.
type Snapshot map[Place]int64

// Since returns the drops since an earlier snapshot, by place. It leaves out counters that did not
// change or no longer exist; a new counter started at 0.
func (s Snapshot) Since(before Snapshot) rfc2544.Drops {
	drops := rfc2544.Drops{}
	for place, n := range s {
		if d := n - before[place]; d != 0 {
			drops = append(drops, rfc2544.Drop{Node: place.Node, Device: place.Device, Kind: place.Kind, Also: also[place.Kind], Frames: d})
		}
	}
	slices.SortFunc(drops, func(a, b rfc2544.Drop) int { return cmp.Compare(a.Place(), b.Place()) })
	return drops
}

// also lists the kinds of counters whose frames a second counter counts, too.
var also = map[string]bool{
	"backlog":            true, // also in rx_dropped of the interface that the frame came in by
	"queue_drops":        true, // a veth's own, also in its rx_dropped
	"xdp_xmit_errors":    true, // a veth's own, also in its tx_dropped
	"xdp_tx_errors":      true, // the same
	"stacked_tx_dropped": true, // a kernel tunnel's, also in tx_dropped of the link below
	"ip out_discards":    true, // a link refused a frame of a socket of this node: also in that link's tx_dropped
	"ip6 out_discards":   true,
	"udp sndbuf":         true, // the same, or the sender got the error at once
	"udp6 sndbuf":        true,
}

// Sinks are the counters of frames that came as far as a sink, an interface of the tester,
// and found no room there: the end that sends into the sink counts them.
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

// The kinds that settleVeth compares.
const (
	rxDropped     = "rx_dropped"
	txDropped     = "tx_dropped"
	xdpXmitErrors = "xdp_xmit_errors"
)

// devStats are one interface's counters as the kernel gives them.
type devStats struct {
	stacked              bool // sends through another interface: a kernel tunnel
	rxDropped, txDropped int64
	rxErrors, txErrors   int64
	rxMissed             int64
	qdisc                int64
	driver               map[string]int64 // ethtool -S
}

// count adds the counters of an interface. A sink's xdp_drops are no loss: its program
// counts every frame and drops it.
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

// settleVeth takes what is in two places out of one (drivers/net/veth.c). What XDP
// could not put into the receiver's ring is in the sender's tx_dropped and the
// receiver's rx_dropped: it stays with the sender. A receiver that is not polled
// takes frames by way of a CPU's backlog, and what is dropped there is in
// both too: it stays with the receiver.
func (s Snapshot) settleVeth(sender, receiver device, polled bool) {
	tx, rx := sender.place(txDropped), receiver.place(rxDropped)
	s[rx] = max(0, s[rx]-s[sender.place(xdpXmitErrors)])
	if !polled {
		s[tx] = max(0, s[tx]-s[rx])
	}
}
