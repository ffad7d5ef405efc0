package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// runSuites runs the profile's suite on every device at every frame size.
func runSuites(ctx context.Context, l Lab, p Plan, r *result.Results) error {
	for _, d := range p.Devices {
		s := &suites{lab: l, plan: p, device: d, results: r}
		err := s.run(ctx)
		if err = errors.Join(err, s.close()); err != nil {
			return err
		}
	}
	return nil
}

// suites are the suites of one device.
type suites struct {
	lab     Lab
	plan    Plan
	device  dut.Device
	results *result.Results
	setup   Setup
}

// up brings the device up at the first trial that has to be measured.
func (s *suites) up(ctx context.Context) (Setup, error) {
	if s.setup != nil {
		return s.setup, s.setup.Alive()
	}
	b, err := s.lab.Setup(ctx, s.device, s.plan.Settings, slices.Max(s.plan.Sizes))
	if err == nil {
		s.setup = b
	}
	return b, err
}

func (s *suites) close() error {
	if s.setup == nil {
		return nil
	}
	err := s.setup.Close()
	s.setup = nil
	return err
}

// run returns an error only if the whole run cannot go on.
func (s *suites) run(ctx context.Context) error {
	for _, size := range s.plan.Sizes {
		failed := s.point(ctx, size)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failed != nil {
			break
		}
	}
	return s.scale(ctx)
}

// point runs the suite at one frame size. A failure of the device affects its own results only.
func (s *suites) point(ctx context.Context, size rfc2544.FrameSize) error {
	m := journalled{s.plan.Journal, s.device.Spec, s.up, func(b Setup) lab.Resettable { return s.plan.observed(s.device, b) }}
	e, err := m.explore(ctx, size)
	if err != nil {
		s.add(ctx, rfc2544.Outcome{Test: rfc2544.NameRate}, size, err)
		return err
	}
	top := e.Ceiling
	if s.plan.Shaped {
		top = min(top, s.plan.Link.MaxFrameRate(size))
	}
	top = max(top, 2*lab.MinRate)
	point := rfc2544.Point{
		Size: size, Nominal: s.plan.Link.MaxFrameRate(size), Offerable: max(e.Ceiling, 2*lab.MinRate), Min: lab.MinRate, Max: top,
		Hint: min(max(e.Hint, lab.MinRate), top), Smallest: size == slices.Min(s.plan.Sizes),
	}
	return s.plan.Profile.Suite.Run(ctx, m, point, func(o rfc2544.Outcome, err error) { s.add(ctx, o, size, err) })
}

// add adds an outcome to the results. A test that the end of the run interrupted has no result; its
// trials are in the journal.
func (s *suites) add(ctx context.Context, o rfc2544.Outcome, size rfc2544.FrameSize, err error) {
	if ctx.Err() != nil {
		return
	}
	res := lab.NewResult(s.plan.Settings, s.device, o.Test, size)
	fill(&res, o)
	if test, _ := rfc2544.Find(o.Test); test.Limited && len(o.Values) > 0 {
		res.LimitedBy = limit(s.device, o, false)
		if res.LimitedBy == result.LimitedByTester && rfc2544.Rate(o.Values[0].Value) >= 0.99*s.plan.Link.MaxFrameRate(size) && o.Test != rfc2544.NameRate {
			res.LimitedBy = result.LimitedByLink
		}
	} else if !res.Valid {
		res.LimitedBy = result.LimitedByMachine
	}
	if err != nil {
		res = lab.FailedResult(res, err)
	}
	s.plan.add(s.results, res)
}

// scale compares many tunnels at once with a single one, for devices that support it.
func (s *suites) scale(ctx context.Context) error {
	n := s.plan.Profile.Tunnels
	if n < 2 || s.device.Scales == "" || s.device.Values[s.device.Scales] != "" {
		return nil
	}
	size := slices.Min(s.plan.Sizes)
	one, err := s.throughput(ctx, size, n)
	if err == nil {
		err = s.close()
	}
	var out rfc2544.Outcome
	if err == nil {
		many := *s
		if many.device, err = dut.Parse(fmt.Sprintf("%s:%s=%d", s.device.Spec, s.device.Scales, n)); err == nil {
			var of rfc2544.Outcome
			of, err = many.throughput(ctx, size, n)
			err = errors.Join(err, many.close())
			out = rfc2544.Scale(n, one, of)
		}
	}
	out.Test = rfc2544.NameScale
	s.add(ctx, out, size, err)
	return ctx.Err()
}

// throughput measures the throughput of n flows to as many networks.
func (s *suites) throughput(ctx context.Context, size rfc2544.FrameSize, n int) (rfc2544.Outcome, error) {
	m := journalled{s.plan.Journal, s.device.Spec, s.up, func(b Setup) lab.Resettable { return s.plan.observed(s.device, b) }}
	e, err := m.explore(ctx, size)
	if err != nil {
		return rfc2544.Outcome{}, err
	}
	cfg, ok := s.plan.Profile.Suite.Throughput()
	if !ok {
		return rfc2544.Outcome{}, fmt.Errorf("%w: profile %s has no throughput test", errors.ErrUnsupported, s.plan.Profile.Name)
	}
	top := max(min(s.plan.Link.MaxFrameRate(size), e.Ceiling), 2*lab.MinRate)
	cfg.Size, cfg.Min, cfg.Max, cfg.Hint, cfg.Networks = size, lab.MinRate, top, min(max(e.Hint, lab.MinRate), top), n
	return rfc2544.RunThroughput(ctx, m, cfg)
}
