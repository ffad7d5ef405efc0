package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MinRate is where a search begins: a load any tunnel carries.
const MinRate rfc2544.Rate = 1000

// Explore finds a load that the tester can pace into this device, above which
// there is no searching, and about how fast the device is, where the search may
// begin. It starts with a flood, which also warms everything up; the device's
// work on the tester's core makes the tester slower than on the bare wire, and
// slower still when it paces, so it goes down until a paced trial is whole.
func (s *Setup) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	const (
		duration = 200 * time.Millisecond
		headroom = 0.85 // for bursts that a stall left behind to be caught up with
		tries    = 5
	)
	p := s.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: duration})
	p.Batch = loadgen.PacedBatch
	for range tries {
		r, err := s.Execute(ctx, p)
		if err != nil {
			return 0, 0, fmt.Errorf("explore: %w", err)
		}
		o := r.observation(s.settings.Directions())
		if p.Load.IsFlood() {
			hint = r.slowestStream()
		} else if o.Offered == o.Intended {
			break
		}
		sent := float64(o.Offered) / float64(len(p.Streams)) / (o.Duration + o.Paused).Seconds()
		p = s.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Rate(headroom * sent), Duration: duration})
	}
	return p.Load, hint, nil
}

// slowestStream is how fast frames of a flood came back, in the direction where
// they did slowest, which decides; 0 when that brought none.
func (r Run) slowestStream() rfc2544.Rate {
	slowest := rfc2544.Flood
	for _, s := range r.Ledger.Streams {
		if s.Span == 0 {
			return 0
		}
		slowest = min(slowest, rfc2544.Rate(float64(s.Received+s.Late)/s.Span.Seconds()))
	}
	return slowest
}

// MaxForwardingRate is about RFC 2285's (section 3.6.3): the best at several loads
// from most down, since some devices forward the less the more they are offered.
func (s *Setup) MaxForwardingRate(ctx context.Context, size rfc2544.FrameSize, most rfc2544.Rate) (best rfc2544.Rate, err error) {
	const duration = 200 * time.Millisecond
	for load := most; load > best && load > 100; load /= 2 {
		r, err := s.Execute(ctx, s.Plan(rfc2544.Trial{Size: size, Load: load, Duration: duration}))
		if err != nil {
			return best, fmt.Errorf("pilot: %w", err)
		}
		best = max(best, r.ForwardingRate())
	}
	return best, nil
}

// ForwardingRate is in the direction where it is lowest: all frames that came, late
// ones too, over the time until the last of them had come. A queue that is emptied after
// the sending is no merit then, however long.
func (r Run) ForwardingRate() rfc2544.Rate {
	sending := r.Ledger.Duration + r.Ledger.Paused
	lowest := rfc2544.Flood
	for _, s := range r.Ledger.Streams {
		lowest = min(lowest, rfc2544.Rate(float64(s.Received+s.Late)/max(s.Span, sending).Seconds()))
	}
	return lowest
}

// RoundLoad is a load that reads well, and is the same when the pilot was only
// a little different.
func RoundLoad(r rfc2544.Rate) rfc2544.Rate {
	for _, step := range []rfc2544.Rate{10e3, 1e3, 100} {
		if r > 10*step {
			return rfc2544.Rate(int64(r/step)) * step
		}
	}
	return max(1, rfc2544.Rate(int64(r)))
}

// EnoughForP99 is how many samples that percentile needs, or a handful of frames decide it.
const EnoughForP99 = 1000
