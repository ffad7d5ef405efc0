package behaviour

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// overhead counts the octets on the wan for packets of the sizes that a report of rates has, from the counters of the
// left side's interface. The wan link has no offloads, so each packet there is counted by itself.
var overhead = Test{
	Name: "overhead", Doc: "octets on the wan for each inner packet, beside the figure by the book", Takes: 2 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var seen []wanCost
		err := b.on(ctx, Layout{}, func(s *Stand) (err error) {
			seen, err = s.askOverhead(ctx)
			return err
		})
		return judgeOverhead(seen, b.Device.Overhead), err
	},
}

// wanCost is what packets of a size cost on the wan.
type wanCost struct {
	frame   int     // size of the inner frame, FCS included
	packets int     // inner packets
	octets  float64 // of IP on the wan, for each inner packet
	outer   float64 // packets on the wan, for each inner packet
}

// inner returns the octets of the inner IP packet.
func (c wanCost) inner() int { return c.frame - ethernetHeader - fcs }

const (
	fcs           = 4
	overheadCount = 100 // packets of each size
)

func (s *Stand) askOverhead(ctx context.Context) (costs []wanCost, err error) {
	marker, err := s.costOf(ctx, wanCost{})
	if err != nil {
		return nil, err
	}
	for _, frame := range []int{64, 512, 1518} {
		c, err := s.costOf(ctx, wanCost{frame: frame, packets: overheadCount, octets: marker.octets, outer: marker.outer})
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	return costs, nil
}

// costOf sends packets and returns what each costs, or without packets what a marker costs. of has what a marker costs.
func (s *Stand) costOf(ctx context.Context, of wanCost) (wanCost, error) {
	probes := make([]Probe, of.packets)
	for i := range probes {
		probes[i].Length = of.inner()
	}
	octets, packets, err := s.wanCounters()
	if err != nil {
		return of, err
	}
	h, err := s.Ask(ctx, probes, patience)
	if err != nil {
		return of, err
	}
	octetsAfter, packetsAfter, err := s.wanCounters()
	if err != nil {
		return of, err
	}
	for i := range probes {
		if _, ok := h.Arrived(i); !ok {
			return of, fmt.Errorf("of %d frames of %d octets, number %d did not arrive", len(probes), of.frame, i+1)
		}
	}
	outer, n := packetsAfter-packets, max(1, of.packets)
	ip := octetsAfter - octets - ethernetHeader*outer
	markers := float64(h.Markers)
	if of.packets == 0 {
		return wanCost{octets: float64(ip) / markers, outer: float64(outer) / markers}, nil
	}
	of.octets, of.outer = (float64(ip)-of.octets*markers)/float64(n), (float64(outer)-of.outer*markers)/float64(n)
	return of, nil
}

// wanCounters reads what the left side has sent on the wan.
func (s *Stand) wanCounters() (octets, packets int64, err error) {
	for name, into := range map[string]*int64{"tx_bytes": &octets, "tx_packets": &packets} {
		text, err := s.Setup.Net().NS(netns.Left).ReadSysfs("class/net/" + netns.WAN + "/statistics/" + name)
		if err != nil {
			return 0, 0, err
		}
		if *into, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	return octets, packets, nil
}

// judgeOverhead compares with the figure by the book; book is 0 if there is none.
func judgeOverhead(seen []wanCost, book int) (f behaviour.Finding) {
	f.Verdict = behaviour.None
	for _, c := range seen {
		size := strconv.Itoa(c.frame)
		f.Measured("overhead_"+size, "octets/packet", c.octets-float64(c.inner()), c.packets)
		f.Measured("share_"+size, "octets/octet", c.octets/float64(c.inner()), c.packets)
		f.Measured("packets_"+size, "packets/packet", c.outer, c.packets)
	}
	if book == 0 || len(seen) == 0 {
		return f
	}
	f.Measured("book", "octets/packet", float64(book), 1)
	last := seen[len(seen)-1]
	switch got := math.Round(last.octets) - float64(last.inner()); {
	case got < float64(book):
		f.Note("book", "less")
	case got > float64(book):
		f.Note("book", "more")
	default:
		f.Note("book", "as the book")
	}
	return f
}
