package behaviour

import (
	"context"
	"errors"
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
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeOverhead(seen, b.Device.Overhead), nil
	},
}

// wanCost is what packets of a size cost on the wan.
type wanCost struct {
	frame   int     // size of the inner frame, FCS included
	packets int     // inner packets; 0: they do not pass
	octets  float64 // of IP on the wan, for each inner packet
	outer   float64 // packets on the wan, for each inner packet
}

// inner returns the octets of the inner IP packet.
func (c wanCost) inner() int { return c.frame - ethernetHeader - fcs }

const (
	fcs           = 4
	overheadCount = 100 // packets of each size
	overheadBurst = 10  // of them at once: few enough for every queue
)

func (s *Stand) askOverhead(ctx context.Context) (costs []wanCost, err error) {
	marker, whole, err := s.sent(ctx, nil)
	if err == nil && !whole {
		err = errors.New("a packet of 100 octets was lost")
	}
	if err != nil {
		return nil, err
	}
	each := counted{octets: marker.octets / marker.markers, packets: marker.packets / marker.markers}
	for _, frame := range []int{64, 512, 1518} {
		c := wanCost{frame: frame}
		all, err := s.sendMany(ctx, &c)
		if err != nil {
			return nil, err
		}
		if c.packets == 0 {
			costs = append(costs, c)
			continue
		}
		c.octets = (all.octets - all.markers*each.octets) / overheadCount
		c.outer = (all.packets - all.markers*each.packets) / overheadCount
		costs = append(costs, c)
	}
	return costs, nil
}

// counted is what the left side sent on the wan, and how many markers were in it.
type counted struct {
	octets  float64 // of IP
	packets float64
	markers float64
}

// sendMany sends the packets of a size in bursts, unless not even one passes. A burst of which one is lost is sent
// again: it may have been lost before the wan.
func (s *Stand) sendMany(ctx context.Context, c *wanCost) (all counted, err error) {
	const tries = 20
	burst := make([]Probe, overheadBurst)
	for i := range burst {
		burst[i].Length = c.inner()
	}
	for range tries {
		sent, complete, err := s.sent(ctx, burst)
		if err != nil {
			return all, err
		}
		if !complete {
			continue
		}
		all.octets, all.packets, all.markers = all.octets+sent.octets, all.packets+sent.packets, all.markers+sent.markers
		if c.packets += len(burst); c.packets == overheadCount {
			return all, nil
		}
	}
	if c.packets > 0 {
		return all, fmt.Errorf("of %d bursts of %d frames of %d octets, %d came whole", tries, len(burst), c.frame, c.packets/len(burst))
	}
	one, err := s.try(ctx, burst[0])
	if err == nil && one.how == whole {
		err = fmt.Errorf("none of %d bursts of %d frames of %d octets came whole", tries, len(burst), c.frame)
	}
	return all, err
}

// sent sends probes and returns what the left side sent for them; whole reports whether all of them arrived, and so nothing
// is on its way.
func (s *Stand) sent(ctx context.Context, probes []Probe) (c counted, whole bool, err error) {
	octets, packets, err := s.wanCounters()
	if err != nil {
		return c, false, err
	}
	h, err := s.Ask(ctx, probes, patience)
	if err != nil {
		return c, false, err
	}
	octetsAfter, packetsAfter, err := s.wanCounters()
	if err != nil {
		return c, false, err
	}
	for i := range probes {
		if _, ok := h.Arrived(i); !ok {
			return c, false, nil
		}
	}
	if h.back != h.Markers {
		return c, false, nil
	}
	c.packets, c.markers = packetsAfter-packets, float64(h.Markers)
	c.octets = octetsAfter - octets - ethernetHeader*c.packets
	return c, true, nil
}

// wanCounters reads what the left side has sent on the wan.
func (s *Stand) wanCounters() (octets, packets float64, err error) {
	for name, into := range map[string]*float64{"tx_bytes": &octets, "tx_packets": &packets} {
		text, err := s.Setup.Net().NS(netns.Left).ReadSysfs("class/net/" + netns.WAN + "/statistics/" + name)
		if err != nil {
			return 0, 0, err
		}
		if *into, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	return octets, packets, nil
}

// judgeOverhead compares with the figure by the book; book is 0 if there is none.
func judgeOverhead(seen []wanCost, book int) (f behaviour.Finding) {
	f.Verdict = behaviour.None
	var last wanCost // the largest that passes
	for _, c := range seen {
		size := strconv.Itoa(c.frame)
		if c.packets == 0 {
			f.Note(size, "does not pass")
			continue
		}
		last = c
		f.Measured("overhead_"+size, "octets/packet", c.octets-float64(c.inner()), c.packets)
		f.Measured("share_"+size, "octets/octet", c.octets/float64(c.inner()), c.packets)
		f.Measured("packets_"+size, "packets/packet", c.outer, c.packets)
	}
	if book == 0 || last.packets == 0 {
		return f
	}
	f.Measured("book", "octets/packet", float64(book), 1)
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
