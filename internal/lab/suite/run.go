package suite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Lab is the laboratory that a run needs.
type Lab interface {
	lab.Calibrator
	// Setup brings a device up, for frames up to the largest.
	Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error)
	// Group brings several devices up at once. The error is a lab.MemberError if one of them is at
	// fault, and wraps errors.ErrUnsupported if no devices can be up at once.
	Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Group, error)
	// Streams runs the streams test on a device.
	Streams(ctx context.Context, d dut.Device, s lab.Settings, p streams.Plan) (result.Result, error)
}

// Setup is a device that is up.
type Setup interface {
	lab.Resettable
	Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error)
	Alive() error
	Close() error
}

// Group is several devices that are up at once.
type Group interface {
	control.Group
	Members() []Setup // in the order of the devices
}

// On returns the laboratory on this machine.
func On(l *lab.Lab) Lab { return machine{l} }

type machine struct{ *lab.Lab }

// Setup implements Lab.
func (m machine) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	b, err := m.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err // a nil interface, not a typed nil
	}
	return b, nil
}

// Group implements Lab.
func (m machine) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Group, error) {
	g, err := m.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return group{g}, nil
}

type group struct{ *lab.Group }

// Members implements Group.
func (g group) Members() (all []Setup) {
	for _, b := range g.Setups {
		all = append(all, b)
	}
	return all
}

// Streams implements Lab.
func (m machine) Streams(ctx context.Context, d dut.Device, s lab.Settings, p streams.Plan) (result.Result, error) {
	return streams.Run(ctx, m.Lab, d, s, p)
}

// Plan is what a run measures.
type Plan struct {
	Settings lab.Settings
	Devices  []dut.Device
	Sizes    []rfc2544.FrameSize
	Profile  Profile
	Link     rfc2544.BitRate // nominal
	Shaped   bool            // loads stay below the link's speed
	Control  *dut.Device     // measured beside the devices, for their rates at its nominal speed; nil: none
	Streams  *streams.Plan   // streams test of each device, after the rates; nil: none
	Journal  *Journal        // for profiles with a suite
	Trouble  Trouble         // expected, for the estimate; zero: as usual
	// OnStep, if set, is called when a device comes to another test or frame size. Devices that are up at once are
	// measured in turns: each is at a step of its own.
	OnStep func(Step)
	// OnTrial, if set, is called after every trial.
	OnTrial func(device string, trial rfc2544.Trial, seen rfc2544.Observation)
	// OnResult, if set, is called with every result.
	OnResult func(*result.Results, result.Result)
	// OnPart, if set, is called with the results so far whenever there is more of them.
	OnPart func(*result.Results)
	// OnForetold, if set, is called once if the calibration saw other trouble than usual.
	OnForetold func(expected Trouble, left time.Duration)
}

// Run measures every device at every frame size, devices that can be up at once in turns. With an
// error, which means that the run ended early, the results so far are returned; all devices are then
// equally far.
func Run(ctx context.Context, l Lab, p Plan, r *result.Results) (err error) {
	p.step("", Calibration, 0)
	if p.Settings, err = lab.CalibrateAll(ctx, l, p.Settings, p.Sizes, r); err != nil {
		return err
	}
	p.step("", "", 0)
	p.foretell(ctx, r.Calibration)
	var rest time.Duration
	if p.Profile.Suite != nil {
		rest = p.Profile.Suite.Rest
	}
	r.Conditions = p.Settings.Conditions(rest)
	defer func() { p.sort(r.Results) }()
	if p.Profile.Suite != nil {
		return runSuites(ctx, l, p, r)
	}
	rounds := run{plan: p, results: r, parties: newParties(l, p), cells: cellsOf(p), beside: newBeside(p, r.Certificate)}
	if err = rounds.all(ctx); err == nil && p.Streams != nil {
		err = runStreams(ctx, l, p, r)
	}
	return err
}

// add adds a result and calls OnResult. On shared cores the result says so, and the tester counts as its limit.
func (p Plan) add(r *result.Results, res result.Result) {
	if r.Host.Shared {
		res.Warnings = append(slices.Clone(res.Warnings), result.SharedCores)
		if res.LimitedBy == result.LimitedByDUT {
			res.LimitedBy = result.LimitedByTester // it took its share of the core
		}
	}
	r.Results = append(r.Results, res)
	if p.OnResult != nil {
		p.OnResult(r, res)
	}
	if p.OnPart != nil {
		p.OnPart(r)
	}
}

// sort puts the results of each device together, in the order in which the devices were asked for.
func (p Plan) sort(all []result.Result) {
	place := func(r result.Result) int {
		return slices.IndexFunc(p.Devices, func(d dut.Device) bool { return d.Spec == r.DUT })
	}
	slices.SortStableFunc(all, func(a, b result.Result) int { return cmp.Compare(place(a), place(b)) })
}

// runStreams adds the streams test of every device to the results.
func runStreams(ctx context.Context, l Lab, p Plan, r *result.Results) error {
	for _, d := range p.Devices {
		p.step(d.Spec, rfc2544.NameStreams, 0)
		res, err := l.Streams(ctx, d, p.Settings, *p.Streams)
		if err != nil {
			return err
		}
		p.step(d.Spec, "", 0)
		p.add(r, res)
	}
	r.Host.Notes = append(r.Host.Notes, streams.Notes()...)
	return nil
}

// observed returns the device's set-up with calls of the plan's OnTrial.
func (p Plan) observed(d dut.Device, b Setup) lab.Resettable {
	if p.OnTrial == nil {
		return b
	}
	return lab.Observed(b, func(t rfc2544.Trial, o rfc2544.Observation) { p.OnTrial(d.Spec, t, o) })
}
