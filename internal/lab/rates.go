package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MinRate is the lowest load of a search; every tunnel carries it.
const MinRate rfc2544.Rate = 1000

// Explore finds the upper limit of a search (ceiling: the highest load that the tester can pace
// into this device) and an estimate of the device's rate (hint: where the search may begin). The
// first trial is a flood, which also warms up caches. Work of the device on the tester's core makes
// the tester slower than on the bare wire, and pacing makes it slower again. So the load is lowered
// until the tester sends all frames of a paced trial. Other programs on the tester's core make it
// slower for a while only, which says nothing of the next trials.
func (s *Setup) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	const (
		duration = 200 * time.Millisecond
		headroom = 0.85 // the tester has to send faster after a stall, to catch up
		tries    = 5
	)
	p := s.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: duration})
	p.Batch = loadgen.PacedBatch
	for range tries {
		r, o, err := s.steadiest(ctx, p)
		if err != nil {
			return 0, 0, fmt.Errorf("explore: %w", err)
		}
		if p.Load.IsFlood() {
			hint = r.slowestStream()
		} else if o.Offered == o.Intended {
			break
		}
		p = s.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Rate(headroom * sent(o) / float64(len(p.Streams))), Duration: duration})
	}
	return p.Load, hint, nil
}

// steadiest runs a trial, and up to twice again while stalls disturb the tester and it does not send
// all frames. It returns the run that sent fastest.
func (s *Setup) steadiest(ctx context.Context, p loadgen.Plan) (best Run, seen rfc2544.Observation, err error) {
	const tries = 3
	for i := range tries {
		r, err := s.Execute(ctx, p)
		if err != nil {
			return best, seen, err
		}
		if o := r.observation(s.settings.Directions()); i == 0 || sent(o) > sent(seen) {
			best, seen = r, o
		}
		if len(r.Ledger.Stalls) == 0 || seen.Offered == seen.Intended {
			break
		}
	}
	return best, seen, nil
}

// sent returns the rate at which the tester sent in all directions, in frames per second.
func sent(o rfc2544.Observation) float64 {
	return float64(o.Offered) / (o.Duration + o.Paused).Seconds()
}

// slowestStream returns the forwarding rate of a flood in the slowest direction; 0 if a direction
// received nothing.
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

// MaxForwardingRate approximates the maximum forwarding rate of RFC 2285 section 3.6.3: the best of
// several loads from most downwards. Some devices forward less under overload.
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

// ForwardingRate returns the forwarding rate of the slowest direction: all received frames, late
// ones included, divided by the time until the last one arrived. So a long queue that drains after
// sending does not raise the rate.
func (r Run) ForwardingRate() rfc2544.Rate {
	sending := r.Ledger.Duration + r.Ledger.Paused
	lowest := rfc2544.Flood
	for _, s := range r.Ledger.Streams {
		lowest = min(lowest, rfc2544.Rate(float64(s.Received+s.Late)/max(s.Span, sending).Seconds()))
	}
	return lowest
}

// RoundLoad rounds a load to few digits, so that small differences between pilot trials give the
// same load.
func RoundLoad(r rfc2544.Rate) rfc2544.Rate {
	for _, step := range []rfc2544.Rate{10e3, 1e3, 100} {
		if r > 10*step {
			return rfc2544.Rate(int64(r/step)) * step
		}
	}
	return max(1, rfc2544.Rate(int64(r)))
}

// EnoughForP99 is the smallest number of samples for a 99th percentile; with fewer, a handful of
// frames decide it.
const EnoughForP99 = 1000
