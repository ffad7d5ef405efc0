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
func (p Plan) measure(ctx context.Context, s *lab.Setup, out *Traced) (o rfc2544.Observation, r lab.Run, err error) {
	if out.sampler == nil {
		return s.MeasureRun(ctx, p.Trial)
	}
	sides, err := sidesOf(s)
	if err == nil {
		err = out.sampler.Start()
	}
	if err != nil {
		return o, r, err
	}
	o, r, err = s.MeasureRun(ctx, p.Trial)
	stopped := out.sampler.Stop()
	if stopped == nil {
		out.Stacks, stopped = out.sampler.Profile(sides)
	}
	return o, r, errors.Join(err, stopped)
}

// sidesOf returns the side of each of the device's processes.
func sidesOf(s *lab.Setup) (map[int]string, error) {
	sides := map[int]string{}
	for _, node := range s.Net().Topology.Nodes {
		pids, err := s.Session().PIDs(node)
		if err != nil {
			return nil, err
		}
		for _, pid := range pids {
			sides[pid] = node
		}
	}
	return sides, nil
}
