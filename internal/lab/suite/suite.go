package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// runSuites runs the profile's suite on every device at every frame size, in turns where devices can
// be up at once, and then compares many tunnels with one.
func runSuites(ctx context.Context, l Lab, p Plan, r *result.Results) error {
	p.Control = nil
	all := map[string]*suites{}
	var left []dut.Device
	for _, d := range p.Devices {
		all[d.Spec] = &suites{lab: l, plan: p, device: d, results: r}
		if !all[d.Spec].replay(ctx) {
			left = append(left, d)
		}
	}
	measure := func(party party) error {
		return party.inTurns(ctx, func(int) error { return nil }, func(ctx context.Context, d dut.Device, b Setup) { all[d.Spec].run(ctx, b) })
	}
	err := newParties(l, p).each(ctx, left, measure, func(d dut.Device, err error) {
		all[d.Spec].add(ctx, rfc2544.Outcome{Test: rfc2544.NameRate}, p.Sizes[0], err)
	})
	for _, d := range p.Devices {
		if err == nil {
			err = all[d.Spec].scale(ctx)
		}
	}
	return err
}

// suites are the suites of one device.
type suites struct {
	lab     Lab
	plan    Plan
	device  dut.Device
	results *result.Results
}

// replay adds the device's results if the journal has every trial, and reports whether it has.
func (s *suites) replay(ctx context.Context) bool {
	if s.plan.Journal == nil || s.plan.Journal.Waiting == 0 {
		return false
	}
	missing := false
	notRecorded := func(context.Context) (Setup, error) {
		missing = true
		return nil, errors.New("not in the journal")
	}
	try, known := *s, *s.plan.Journal
	known.recorded = maps.Clone(known.recorded)
	try.plan.Journal, try.results = &known, &result.Results{}
	try.plan.OnResult, try.plan.OnPart, try.plan.OnStep = nil, nil, nil
	try.measure(ctx, notRecorded)
	if !missing {
		s.measure(ctx, notRecorded)
	}
	return !missing
}

// run measures the device that is up.
func (s *suites) run(ctx context.Context, b Setup) {
	s.measure(ctx, func(context.Context) (Setup, error) { return b, b.Alive() })
}

// measure runs the suite at every frame size, until the device fails. It has the set-up from up.
func (s *suites) measure(ctx context.Context, up func(context.Context) (Setup, error)) {
	m := s.journalled(up)
	defer s.plan.step(s.device.Spec, "", 0)
	for _, size := range s.plan.Sizes {
		if failed := s.point(ctx, m, size); failed != nil {
			return
		}
	}
}

// journalled returns the device's measurer, which has its set-up from up.
func (s *suites) journalled(up func(context.Context) (Setup, error)) journalled {
	return journalled{s.plan.Journal, s.device.Spec, up, func(b Setup) lab.Resettable { return s.plan.observed(s.device, b) }}
}

// point runs the suite at one frame size. A failure of the device affects its own results only.
func (s *suites) point(ctx context.Context, m journalled, size rfc2544.FrameSize) error {
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
	return s.plan.told(s.device, size).Run(ctx, m, point, func(o rfc2544.Outcome, err error) { s.add(ctx, o, size, err) })
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
	s.plan.step(s.device.Spec, rfc2544.NameScale, size)
	defer s.plan.step(s.device.Spec, "", 0)
	one, err := s.throughput(ctx, size, n)
	var out rfc2544.Outcome
	if err == nil {
		many := *s
		if many.device, err = dut.Parse(fmt.Sprintf("%s:%s=%d", s.device.Spec, s.device.Scales, n)); err == nil {
			var of rfc2544.Outcome
			of, err = many.throughput(ctx, size, n)
			out = rfc2544.Scale(n, one, of)
		}
	}
	out.Test = rfc2544.NameScale
	s.add(ctx, out, size, err)
	return ctx.Err()
}

// throughput measures the throughput of n flows to as many networks. The device is brought up at the
// first trial that has to be measured.
func (s *suites) throughput(ctx context.Context, size rfc2544.FrameSize, n int) (out rfc2544.Outcome, err error) {
	var b Setup
	m := s.journalled(func(ctx context.Context) (_ Setup, err error) {
		if b == nil {
			b, err = s.lab.Setup(ctx, s.device, s.plan.Settings, slices.Max(s.plan.Sizes))
			return b, err
		}
		return b, b.Alive()
	})
	defer func() {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	e, err := m.explore(ctx, size)
	if err != nil {
		return out, err
	}
	cfg, ok := s.plan.Profile.Suite.Throughput()
	if !ok {
		return out, fmt.Errorf("%w: profile %s has no throughput test", errors.ErrUnsupported, s.plan.Profile.Name)
	}
	top := max(min(s.plan.Link.MaxFrameRate(size), e.Ceiling), 2*lab.MinRate)
	cfg.Size, cfg.Min, cfg.Max, cfg.Hint, cfg.Networks = size, lab.MinRate, top, min(max(e.Hint, lab.MinRate), top), n
	return rfc2544.RunThroughput(ctx, m, cfg)
}
