package trace

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// costTrial is the length of each of the trials that tell the cost.
const costTrial = 300 * time.Millisecond

// cost measures the device without tracing and with it, in turns, as often as the plan says; one frame in every is followed: latency at the plan's load, and the
// rate of a closed loop.
func (p Plan) cost(ctx context.Context, s *lab.Setup, every int) (*waterfall.Cost, error) {
	var p50s [2][]int64
	var rates [2][]float64
	for round := range 2 * p.Rounds {
		with := round&1 ^ round>>1&1 // 0 1 1 0: what drifts hits both alike
		p50, rate, err := p.costOnce(ctx, s, with*every)
		if err != nil {
			return nil, err
		}
		p50s[with], rates[with] = append(p50s[with], p50), append(rates[with], rate)
	}
	c := &waterfall.Cost{Rounds: p.Rounds}
	for i := range 2 {
		c.P50[i], c.Rate[i] = median(p50s[i]), median(rates[i])
	}
	if slices.Contains(rates[1], 0) {
		c.Rate = [2]float64{}
	}
	return c, nil
}

// costOnce measures once; every is 0 without tracing. The rate is 0 if there was no room for all events.
func (p Plan) costOnce(ctx context.Context, s *lab.Setup, every int) (p50 int64, rate float64, err error) {
	if every > 0 {
		flood := p // of which the loop has no more
		flood.Load, flood.Duration = rfc2544.Flood, 2*costTrial
		o := flood.options(every)
		o.room = min(o.room, mostEvents)
		t, err := p.opened(ctx, s, o)
		if err != nil {
			return 0, 0, err
		}
		p50, rate, err = p.latencyAndRate(ctx, s, t.arm(every))
		if missed, full := t.missed(); missed > 0 || full != nil { // what is not noted costs less
			rate, err = 0, errors.Join(err, full)
		}
		return p50, rate, errors.Join(err, t.Close())
	}
	return p.latencyAndRate(ctx, s, p.warmUp(ctx, s))
}

// latencyAndRate measures the device, unless it could not be prepared.
func (p Plan) latencyAndRate(ctx context.Context, s *lab.Setup, unprepared error) (p50 int64, rate float64, err error) {
	if unprepared != nil {
		return 0, 0, unprepared
	}
	light := p.Trial
	light.Duration = costTrial
	o, err := s.Measure(ctx, light)
	if err != nil {
		return 0, 0, err
	}
	if o.Latency != nil {
		p50 = int64(o.Latency.P50)
	}
	loop := rfc2544.Trial{Size: p.Size, Load: rfc2544.Flood, Duration: costTrial, Traffic: rfc2544.Traffic{Window: control.Window}}
	o, err = s.Measure(ctx, loop)
	if o.Duration > 0 {
		rate = float64(o.Received) / o.Duration.Seconds()
	}
	return p50, rate, err
}

// median returns the middle one; the lower one of two.
func median[T int64 | float64](values []T) T {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
