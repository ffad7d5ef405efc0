package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// runSuites measures every device at every size by the profile's suite.
func (l *Lab) runSuites(ctx context.Context, p Plan, r *reports.Results) error {
	for _, d := range p.Devices {
		s := &suites{lab: l, plan: p, device: d, results: r}
		err := s.run(ctx)
		if err = errors.Join(err, s.close()); err != nil {
			return err
		}
	}
	return nil
}

// suites are those of one device.
type suites struct {
	lab     *Lab
	plan    Plan
	device  dut.Device
	results *reports.Results
	bench   *Setup
}

// up brings the device up, when something has to be measured for the first time.
func (s *suites) up(ctx context.Context) (*Setup, error) {
	if s.bench != nil {
		return s.bench, s.bench.Alive()
	}
	b, err := s.lab.Setup(ctx, s.device, s.plan.Settings, slices.Max(s.plan.Sizes))
	if err == nil {
		s.bench = b
	}
	return b, err
}

func (s *suites) close() error {
	if s.bench == nil {
		return nil
	}
	err := s.bench.Close()
	s.bench = nil
	return err
}

// run ends with an error only when the whole run cannot go on.
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

// point runs the suite at one size; a device that fails costs its own results.
func (s *suites) point(ctx context.Context, size rfc2544.FrameSize) error {
	m := journalled{s.plan.Journal, s.device.Spec, s.up, s.plan.observed}
	e, err := m.explore(ctx, size)
	if err != nil {
		s.book(ctx, rfc2544.Outcome{Test: rfc2544.NameRate}, size, err)
		return err
	}
	top := e.Ceiling
	if s.plan.Shaped {
		top = min(top, s.plan.Link.MaxFrameRate(size))
	}
	top = max(top, 2*MinRate)
	point := rfc2544.Point{
		Size: size, Nominal: s.plan.Link.MaxFrameRate(size), Offerable: max(e.Ceiling, 2*MinRate), Min: MinRate, Max: top,
		Hint: min(max(e.Hint, MinRate), top), Smallest: size == slices.Min(s.plan.Sizes),
	}
	return s.plan.Profile.Suite.Run(ctx, m, point, func(o rfc2544.Outcome, err error) { s.book(ctx, o, size, err) })
}

// book puts an outcome into the results. What the end of the run cut short is
// in the journal and no result.
func (s *suites) book(ctx context.Context, o rfc2544.Outcome, size rfc2544.FrameSize, err error) {
	if ctx.Err() != nil {
		return
	}
	res := blank(s.plan.Settings, s.device, o.Test, size)
	fill(&res, o)
	if len(o.Values) > 0 && (o.Test == rfc2544.NameRate || o.Test == rfc2544.NameThroughput || o.Test == rfc2544.NameNetworks) {
		res.LimitedBy = limit(s.device, o, false)
		if res.LimitedBy == reports.LimitedByTester && rfc2544.Rate(o.Values[0].Value) >= 0.99*s.plan.Link.MaxFrameRate(size) && o.Test != rfc2544.NameRate {
			res.LimitedBy = reports.LimitedByLink
		}
	} else if !res.Valid {
		res.LimitedBy = reports.LimitedByMachine
	}
	if err != nil {
		res = failed(res, err)
	}
	s.results.Results = append(s.results.Results, res)
	if s.plan.OnResult != nil {
		s.plan.OnResult(s.results, res)
	}
}

// scale measures many tunnels at once against one, of a device that can.
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
	s.book(ctx, out, size, err)
	return ctx.Err()
}

// throughput is that of n flows to as many networks.
func (s *suites) throughput(ctx context.Context, size rfc2544.FrameSize, n int) (rfc2544.Outcome, error) {
	m := journalled{s.plan.Journal, s.device.Spec, s.up, s.plan.observed}
	e, err := m.explore(ctx, size)
	if err != nil {
		return rfc2544.Outcome{}, err
	}
	cfg, ok := s.plan.Profile.Suite.Throughput()
	if !ok {
		return rfc2544.Outcome{}, fmt.Errorf("%w: profile %s has no throughput test", errors.ErrUnsupported, s.plan.Profile.Name)
	}
	top := max(min(s.plan.Link.MaxFrameRate(size), e.Ceiling), 2*MinRate)
	cfg.Size, cfg.Min, cfg.Max, cfg.Hint, cfg.Networks = size, MinRate, top, min(max(e.Hint, MinRate), top), n
	return rfc2544.RunThroughput(ctx, m, cfg)
}

// What a run takes beside the trials' own time, measured on a small virtual machine.
const (
	perRun   = 3 * time.Second // the lab, and the calibration's network
	perSize  = 3 * time.Second // of the calibration
	perBench = 2 * time.Second // a device to come up and to be explored, at each size
	perTrial = 150 * time.Millisecond
)

// Estimate says how long the run takes: for each test of all devices and sizes
// together, and in all. It measures nothing: the suites run on simulated
// devices, whose rate is a guess that changes little.
func (p Plan) Estimate(ctx context.Context) ([]simulated.Step, time.Duration, error) {
	suite := p.Profile.Suite
	if suite == nil {
		return nil, 0, fmt.Errorf("%w: profile %s has no estimate: it takes minutes", ErrConfig, p.Profile.Name)
	}
	total := perRun + time.Duration(len(p.Sizes))*perSize
	var steps []simulated.Step
	for _, d := range p.Devices {
		for _, size := range p.Sizes {
			nominal := p.Link.MaxFrameRate(size)
			offerable := min(nominal, guessedOfferable)
			device := guess(nominal)
			device.NoProcesses = !d.HasProcesses()
			one, err := device.Estimate(ctx, *suite, rfc2544.Point{
				Size: size, Nominal: nominal, Offerable: offerable, Min: MinRate, Max: max(offerable, 2*MinRate), Hint: min(guessedCapacity, offerable), Smallest: size == slices.Min(p.Sizes),
			}, simulated.Overhead{Trial: perTrial, Lossy: p.Profile.Late})
			if err != nil {
				return nil, 0, err
			}
			total += perBench
			for _, s := range one {
				steps = addStep(steps, s)
				total += s.Time
			}
		}
	}
	return steps, total, nil
}

// What the tester may well be able to send and a tunnel to carry, in frames per
// second and direction. The rates matter little, unless the link is slower; of that
// a tunnel's overhead takes a part.
const (
	guessedShare = 0.9

	guessedOfferable rfc2544.Rate = 700e3
	guessedCapacity  rfc2544.Rate = 250e3
)

// guess is a tunnel on a machine that has other business, too: one trial in twenty
// does not count.
func guess(nominal rfc2544.Rate) *simulated.Device {
	capacity := min(guessedCapacity, guessedShare*nominal)
	d, err := simulated.Parse(fmt.Sprintf("capacity=%.0ffps,queue=1000,noise=0.002,invalid=0.05,boot_time=500ms", float64(capacity)))
	if err != nil {
		panic(err) // of a text that is part of the program
	}
	return d
}

func addStep(steps []simulated.Step, s simulated.Step) []simulated.Step {
	for i := range steps {
		if steps[i].Test == s.Test {
			steps[i].Trials += s.Trials
			steps[i].Time += s.Time
			return steps
		}
	}
	return append(steps, s)
}
