package trace

import (
	"context"
	"errors"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace/stacks"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// openSampler prepares to sample the device's cores during the trial. The sampler is there until the set-up is closed.
func (p Plan) openSampler(s *lab.Setup) (*stacks.Recorder, error) {
	r, err := stacks.Open(s.CPUs(), p.Rest+p.Duration+p.Settings.LossTimeout)
	if err != nil {
		return nil, err
	}
	s.Defer(r.Close)
	return r, nil
}

// measure runs the trial, and samples the device's cores meanwhile if there is a sampler.
func (p Plan) measure(ctx context.Context, s *lab.Setup, sampler *stacks.Recorder) (o rfc2544.Observation, r lab.Run, err error) {
	if sampler == nil {
		return s.MeasureRun(ctx, p.Trial)
	}
	if err := sampler.Start(); err != nil {
		return o, r, err
	}
	o, r, err = s.MeasureRun(ctx, p.Trial)
	return o, r, errors.Join(err, sampler.Stop())
}

// profile names what was sampled. It takes its time, so it comes when the tracer no longer watches.
func (out *Traced) profile(t *tracer) (err error) {
	if out.sampler == nil {
		return nil
	}
	sides := map[int]string{}
	for i, node := range t.sides {
		for _, pid := range t.pids[i] {
			sides[pid] = node
		}
	}
	out.Stacks, err = out.sampler.Profile(sides)
	return err
}
