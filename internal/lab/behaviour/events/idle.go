package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Idle counts what a tunnel sends by itself while nothing is sent through it, and then how long the first packet takes.
func Idle(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	s, err := b.open(ctx, nil)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for i, idle := range b.Times.Idle {
		before, after, r, err := s.idle(ctx, idle, b.Times.Limit)
		if err != nil {
			return f, err
		}
		if i == 0 {
			chatter(&f, before, after, idle)
		}
		awake(&f, "after-"+short(idle), r, b.Times.Limit)
	}
	f.Verdict = behaviour.None
	return f, nil
}

// calm is for what a bring-up and the last packets cause: for some seconds after an interface has come up, the kernel
// reports its IPv6 multicast groups on the wan (RFC 9777 section 9.11).
const calm = 5 * time.Second

// traffic is what passed an interface, in both directions.
type traffic struct{ octets, packets uint64 }

// idle sends nothing for a time, and then a stream.
func (s *stand) idle(ctx context.Context, idle, limit time.Duration) (before, after traffic, r probe.Result, err error) {
	if err := rest(ctx, calm); err != nil {
		return before, after, r, err
	}
	if before, err = s.wanTraffic(); err != nil {
		return before, after, r, err
	}
	if err := rest(ctx, idle); err != nil {
		return before, after, r, err
	}
	if after, err = s.wanTraffic(); err != nil {
		return before, after, r, err
	}
	o := outage{limit: limit}
	r, err = s.during(ctx, &o, 0, func() error { return nil })
	return before, after, r, err
}

// wanTraffic reads the counters of the left end's wan interface.
func (s *stand) wanTraffic() (traffic, error) {
	t, err := counters.TrafficOf(s.Net().NS(netns.Left), netns.WAN)
	return traffic{t.ReceivedOctets + t.SentOctets, t.ReceivedPackets + t.SentPackets}, err
}

// chatter adds what passed while nothing was sent, for a minute.
func chatter(f *behaviour.Finding, before, after traffic, idle time.Duration) {
	minutes := idle.Minutes()
	f.Measured("octets", "octets/min", float64(after.octets-before.octets)/minutes, 1)
	f.Measured("packets", "packets/min", float64(after.packets-before.packets)/minutes, 1)
}

// awake adds how the first packets of a stream got through.
func awake(f *behaviour.Finding, name string, r probe.Result, limit time.Duration) {
	state := "carries"
	for _, d := range directions(r) {
		first, ok := d.series.First()
		if !ok {
			state = fmt.Sprintf("carries nothing within %v", limit)
			continue
		}
		f.Measured(name+"-"+d.name+"-first", "ns", float64(first), 1)
		f.Measured(name+"-"+d.name+"-lost", "packets", float64(d.series.Lost()), len(d.series))
	}
	f.Note(name, state)
}
