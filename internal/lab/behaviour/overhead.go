package behaviour

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
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
	fcs            = 4
	overheadBursts = 10 // of each size
	overheadBurst  = 10 // packets in each: few enough for every queue
)

func (s *Stand) askOverhead(ctx context.Context) (costs []wanCost, err error) {
	marker, err := s.sendBursts(ctx, wanCost{}, nil)
	if err != nil {
		return nil, err
	}
	for _, frame := range []int{64, 512, 1518} {
		c := wanCost{frame: frame}
		burst := make([]Probe, overheadBurst)
		for i := range burst {
			burst[i].Length = c.inner()
		}
		if c, err = s.sendBursts(ctx, c, burst); err != nil {
			return nil, err
		}
		c.octets, c.outer = (c.octets-marker.octets)/overheadBurst, (c.outer-marker.outer)/overheadBurst
		costs = append(costs, c)
	}
	return costs, nil
}

// sendBursts sends bursts of packets and returns what the usual one costs, with its marker: the median, since a tunnel
// may have sent something of its own beside one. A burst of which a packet is lost is sent again, unless not even one
// packet passes.
func (s *Stand) sendBursts(ctx context.Context, c wanCost, burst []Probe) (wanCost, error) {
	const tries = 2 * overheadBursts
	var octets, packets []float64
	for range tries {
		sent, complete, err := s.sent(ctx, burst)
		if err != nil {
			return c, err
		}
		if !complete {
			continue
		}
		octets, packets = append(octets, sent.octets), append(packets, sent.packets)
		if len(octets) == overheadBursts {
			c.octets, c.outer, c.packets = stats.Median(octets), stats.Median(packets), len(burst)*overheadBursts
			return c, nil
		}
	}
	if len(octets) == 0 && len(burst) > 0 {
		if one, err := s.What(ctx, burst[0]); err != nil || one.how != whole {
			return c, err
		}
	}
	return c, fmt.Errorf("of %d bursts of %d frames of %d octets, %d came whole", tries, len(burst), c.frame, len(octets))
}

// counted is what the left side sent on the wan.
type counted struct {
	octets  float64 // of IP
	packets float64
}

// sent sends probes and returns what the left side sent for them and one marker; complete reports whether all of them
// arrived, so that nothing is on its way.
func (s *Stand) sent(ctx context.Context, probes []Probe) (c counted, complete bool, err error) {
	wan := s.Setup.Net().NS(netns.Left)
	before, err := counters.TrafficOf(wan, netns.WAN)
	if err != nil {
		return c, false, err
	}
	h, err := s.Ask(ctx, probes, patience)
	if err != nil {
		return c, false, err
	}
	after, err := counters.TrafficOf(wan, netns.WAN)
	if err != nil {
		return c, false, err
	}
	for i := range probes {
		if _, ok := h.Arrived(i); !ok {
			return c, false, nil
		}
	}
	if h.Markers != 1 || h.back != 1 {
		return c, false, nil
	}
	c.packets = float64(after.SentPackets - before.SentPackets)
	c.octets = float64(after.SentOctets-before.SentOctets) - ethernetHeader*c.packets
	return c, true, nil
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
