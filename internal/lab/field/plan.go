package field

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	labbehaviour "github.com/tunnelbench/tunnelbench/internal/lab/behaviour"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Profile says how thoroughly the field is measured.
type Profile struct {
	Name     string
	Rounds   int           // bring-ups beside the control
	Smallest int           // blocks of a round at the smallest frame size, by which devices are ordered
	Others   int           // blocks of a round at each other size
	Light    time.Duration // of the trial at the light load
	Halves   int           // trials at half of the rate
	Streams  int           // goodputs of a device that carries streams
	Tests    []string      // of package behaviour
	Control  []string      // tests of the control
}

// Profiles are the profiles by name.
func Profiles() []Profile {
	return []Profile{
		{Name: "quick", Rounds: 4, Smallest: 8, Others: 4, Light: time.Second, Halves: 3, Streams: 3, Tests: []string{"mtu", "dscp", "ecn", "ttl", "overhead"}, Control: []string{behaviour.Goodput}},
		{Name: "standard", Rounds: 12, Smallest: 16, Others: 8, Light: 3 * time.Second, Halves: 5, Streams: 8, Tests: []string{"mtu", "dscp", "ecn", "ttl", "overhead", "reordering", "fairness", behaviour.Goodput}, Control: []string{behaviour.Goodput}},
	}
}

// LightLoad is low enough for any tunnel: a device that loses frames here does not work. The light trial of the quick profile
// has twice the frames that a p99 needs.
const LightLoad rfc2544.Rate = 2000

// Lengths of trials.
const (
	loopTrial = 500 * time.Millisecond
	halfTrial = 500 * time.Millisecond
)

// Plan is what is measured.
type Plan struct {
	Settings lab.Settings
	Devices  []Device
	Control  dut.Device
	Sizes    []rfc2544.FrameSize
	Profile  Profile
	Store    *Store
	// OnStep, if set, is called when a step begins: how many there are, how many are done, and what comes.
	OnStep func(done, all int, what string)
	// OnDevice, if set, is called with the name of a device that cannot be measured, and why.
	OnDevice func(name, why string)
}

// Lab is the laboratory that a run needs.
type Lab interface {
	lab.Calibrator
	// Setup brings a device up, for frames up to the largest.
	Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error)
	// Group brings several devices up at once. The error is a lab.MemberError if one of them is at fault, and wraps
	// errors.ErrUnsupported if no devices can be up at once.
	Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error)
	// Goodput measures the goodput of one TCP connection through a device in bit/s; ok is false if the machine disturbed it.
	Goodput(ctx context.Context, d dut.Device, s lab.Settings) (bits float64, ok bool, err error)
	// Behave makes a test of package behaviour on a device.
	Behave(ctx context.Context, d dut.Device, test string) (found behaviour.Finding, err error)
}

// Setup is a device that is up.
type Setup interface {
	rfc2544.Measurer
	// Memory returns the resident memory of the device's processes in bytes; ok is false if it has none.
	Memory() (bytes int64, ok bool)
	Close() error
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
	return setup{b}, nil
}

// Group implements Lab.
func (m machine) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	g, err := m.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Goodput implements Lab.
func (m machine) Goodput(ctx context.Context, d dut.Device, s lab.Settings) (bits float64, ok bool, err error) {
	return streams.Goodput(ctx, m.Lab, d, s)
}

// Behave implements Lab.
func (m machine) Behave(ctx context.Context, d dut.Device, test string) (found behaviour.Finding, err error) {
	tests, err := labbehaviour.Find([]string{test})
	if err != nil {
		return found, err
	}
	return tests[0].On(ctx, &labbehaviour.Bench{Lab: m.Lab, Device: d}), nil
}

type setup struct{ *lab.Setup }

// Measure implements rfc2544.Measurer. If the device dies, the frames until then are counted all the same.
func (s setup) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	o, r, err := s.MeasureRun(ctx, t)
	if errors.Is(err, lab.ErrDied) && o.Offered == 0 {
		for _, stream := range r.Ledger.Streams {
			o.Add(stream.Counts)
		}
	}
	return o, err
}

// Memory implements Setup.
func (s setup) Memory() (bytes int64, ok bool) {
	if !s.Session().HasProcesses() {
		return 0, false
	}
	bytes, err := s.Session().ResidentMemory()
	return bytes, err == nil
}

// Times of steps beside the trials, measured on a small virtual machine.
const (
	perRun     = 3 * time.Second // the lab, and the calibration's network
	perSize    = 3 * time.Second // of the calibration
	perUp      = 2 * time.Second // a device that comes up and is taken down
	perTrial   = 150 * time.Millisecond
	perTest    = 2 * time.Second      // of behaviour, but goodput
	perGoodput = 5 * time.Minute      // with the same beside it
	mostLane   = loadgen.MaxLanes - 1 // devices beside the control
)

// Estimate returns how long the run takes if every device can be measured and nothing disturbs: the time alone, in the
// rounds, in the tests of behaviour, and in all.
func (p Plan) Estimate() (alone, rounds, tests, total time.Duration) {
	n, sizes := len(p.Devices), len(p.Sizes)
	trials := p.Profile.Light + loopTrial + time.Duration(p.Profile.Halves)*halfTrial + time.Duration(2+p.Profile.Halves)*perTrial
	alone = time.Duration(n) * (perUp + time.Duration(sizes)*trials)
	for left := n - 1; left > 0; left -= mostLane {
		up := 1 + min(left, mostLane)
		times := p.Profile.Smallest/blocksOfTurns + (sizes-1)*(p.Profile.Others/blocksOfTurns)
		rounds += time.Duration(p.Profile.Rounds) * (time.Duration(up)*perUp + time.Duration(times)*(perTrial+control.Takes(up)))
	}
	tests = time.Duration(len(p.Profile.Control))*perGoodput/2 + time.Duration(n*len(p.Profile.Tests))*perTest // the control has nothing beside it
	if slices.Contains(p.Profile.Tests, behaviour.Goodput) {
		tests += time.Duration(n) * perGoodput
	}
	return alone, rounds, tests, perRun + time.Duration(sizes)*perSize + alone + rounds + tests
}

// blocksOfTurns is the number of blocks of one measurement beside the control on a machine that nothing disturbs.
const blocksOfTurns = 4

// step tells that a step begins. The steps of a device are itself alone, the rounds, which the control and streams have not, and
// the tests of behaviour, which streams have not.
func (p Plan) step(format string, args ...any) {
	if p.OnStep == nil {
		return
	}
	done, all := 0, 0
	for _, d := range p.Devices {
		rec, most := p.Store.of(d), p.Profile.Rounds+len(p.Profile.Tests)
		switch {
		case d.Spec == p.Control.Spec:
			most = len(p.Profile.Control)
		case !p.takesPart(d) && rec.Alone != nil || d.Carries == field.Streams:
			most = 0
		}
		all += 1 + most
		done += min(len(rec.Rounds)+len(rec.Behaviour), most)
		if rec.Alone != nil {
			done++
		}
	}
	p.OnStep(done, all, fmt.Sprintf(format, args...))
}

// testsOf returns the tests of behaviour of a device that was measured alone.
func (p Plan) testsOf(d Device) []string {
	switch {
	case d.Spec == p.Control.Spec:
		return p.Profile.Control
	case p.takesPart(d):
		return p.Profile.Tests
	}
	return nil
}

// takesPart reports whether more than the device alone is measured: it works, carries packets and is not the control.
func (p Plan) takesPart(d Device) bool {
	a := p.Store.of(d).Alone
	return a != nil && a.State == field.Works && d.Carries != field.Streams && d.Spec != p.Control.Spec
}
