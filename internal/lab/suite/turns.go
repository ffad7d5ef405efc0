package suite

import (
	"context"
	"iter"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// inTurns runs procedures side by side, one at a time: each runs until it yields, then the next one
// goes on, so that all come equally far. It calls before at the beginning of every cycle, counted
// from 0.
//
//	cycle 0 │ A B C │ cycle 1 │ A B C │ cycle 2 │ A C │ ...     B is done
func inTurns(procedures []func(yield func()), before func(cycle int)) {
	var running []func() (struct{}, bool)
	for _, procedure := range procedures {
		next, _ := iter.Pull(func(yield func(struct{}) bool) { procedure(func() { yield(struct{}{}) }) })
		running = append(running, next)
	}
	for cycle := 0; len(running) > 0; cycle++ {
		before(cycle)
		still := running[:0]
		for _, next := range running {
			if _, more := next(); more {
				still = append(still, next)
			}
		}
		running = still
	}
}

// member is a set-up among others that are up. It lets the others go on before each of its trials.
type member struct {
	Setup
	yield func()
}

// Measure implements rfc2544.Measurer.
func (m member) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	m.yield()
	return m.Setup.Measure(ctx, t)
}

// MeasureReset implements rfc2544.Resetter.
func (m member) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	m.yield()
	return m.Setup.MeasureReset(ctx, t, r)
}

// Explore implements Setup.
func (m member) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	m.yield()
	return m.Setup.Explore(ctx, size)
}
