package labtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// Offerable is the maximum offered load of the simulated tester.
const Offerable rfc2544.Rate = 1.4e6

// Lab is a simulated laboratory. It is deterministic: its fields decide all results.
type Lab struct {
	// Devices maps the spec of a device to its behaviour, in the syntax of simulated.Parse.
	Devices map[string]string
	// Others is the behaviour of all other devices; if empty, they do not come up.
	Others string
	// Wire is the behaviour of the bare wire; if empty, its calibration sees no trouble.
	Wire string
	// Dies maps the spec of a device to the trial in which it dies, counted from 1 after each start.
	Dies map[string]int
	// Fails maps the spec of a device to a function that says whether its nth bring-up fails, counted
	// from 1.
	Fails map[string]func(n int) bool
	// Teardown is the error of taking a device down.
	Teardown error

	SetUp []string // specs of all devices brought up, in order
	Down  int      // number of devices taken down

	starts map[string]int // by spec, those that failed as well
}

// wireTrials is the number of trials of a calibration.
const wireTrials = 12

// Calibrate measures the bare wire.
func (l *Lab) Calibrate(ctx context.Context, s lab.Settings, size rfc2544.FrameSize) (*lab.Calibration, error) {
	engine := s.Resolved().Engine
	if engine == lab.EngineAuto {
		engine = lab.EngineXDP
	}
	c := &lab.Calibration{Engine: engine, MOL: Offerable}
	if l.Wire == "" {
		return c, ctx.Err()
	}
	wire, err := simulated.Parse(fmt.Sprintf("%s,seed=%d", l.Wire, size))
	for range wireTrials {
		if err != nil {
			return nil, err
		}
		var o rfc2544.Observation
		o, err = wire.Measure(ctx, rfc2544.Trial{Size: size, Load: lab.MinRate, Duration: 100 * time.Millisecond})
		c.Trouble.Add(o.Valid, o.CleanShare())
	}
	return c, err
}

// Shared reports whether tester and device share a core: they do not.
func (l *Lab) Shared() bool { return false }

// Setup brings a device up.
func (l *Lab) Setup(ctx context.Context, d dut.Device, s lab.Settings, _ rfc2544.FrameSize) (*Setup, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	behaviour := cmp.Or(l.Devices[d.Spec], l.Others)
	if behaviour == "" {
		return nil, fmt.Errorf("%s: %w", d.Spec, lab.DownError{Err: errors.New("it is not there")})
	}
	device, err := simulated.Parse(fmt.Sprintf("%s,max_offered=%.0ffps", behaviour, float64(Offerable)))
	if err != nil {
		return nil, err
	}
	if l.starts == nil {
		l.starts = map[string]int{}
	}
	if l.starts[d.Spec]++; l.Fails[d.Spec] != nil && l.Fails[d.Spec](l.starts[d.Spec]) {
		return nil, fmt.Errorf("%s: %w", d.Spec, lab.DownError{Err: errors.New("it was late")})
	}
	l.SetUp = append(l.SetUp, d.Spec)
	device.Seed += uint64(len(l.SetUp)) // each start gives other random values
	return &Setup{lab: l, device: d, settings: s.Resolved(), simulated: device}, nil
}

// Setup is a simulated device that is up.
type Setup struct {
	lab       *Lab
	device    dut.Device
	settings  lab.Settings
	simulated *simulated.Device
	trials    int
	dead      error
	closed    bool
}

// Device returns the device under test.
func (s *Setup) Device() dut.Device { return s.device }

// Settings returns the settings of the set-up.
func (s *Setup) Settings() lab.Settings { return s.settings }

// Elapsed returns the virtual time of all trials.
func (s *Setup) Elapsed() time.Duration { return s.simulated.Elapsed() }

// Measure implements rfc2544.Measurer.
func (s *Setup) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	if err := s.count(); err != nil {
		return rfc2544.Observation{}, err
	}
	return s.simulated.Measure(ctx, t)
}

// MeasureReset implements rfc2544.Resetter.
func (s *Setup) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	if err := s.count(); err != nil {
		return rfc2544.Observation{}, err
	}
	return s.simulated.MeasureReset(ctx, t, r)
}

// MeasureRun is Measure; it also returns the run.
func (s *Setup) MeasureRun(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, lab.Run, error) {
	o, err := s.Measure(ctx, t)
	return o, runOf(t, o), err
}

// runOf returns a run whose ledger fits the observation.
func runOf(t rfc2544.Trial, o rfc2544.Observation) lab.Run {
	ledger := loadgen.StreamLedger{Counts: o.Counts, Span: o.Duration}
	return lab.Run{
		Plan:   loadgen.Plan{Trial: t},
		Ledger: loadgen.Ledger{Streams: []loadgen.StreamLedger{ledger}, Duration: o.Duration, Latency: o.Latency},
	}
}

// count counts a trial and lets the device die in the trial given in Lab.Dies.
func (s *Setup) count() error {
	if s.trials++; s.trials == s.lab.Dies[s.device.Spec] {
		s.dead = errors.New("out of luck")
	}
	if s.dead != nil {
		return fmt.Errorf("%w: %w", lab.ErrDied, s.dead)
	}
	return nil
}

// exploration is the length of an exploratory trial.
const exploration = 200 * time.Millisecond

// Explore returns the highest load that can be offered and an estimate of the device's rate.
func (s *Setup) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	o, err := s.simulated.Measure(ctx, rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: exploration})
	return rfc2544.Rate(float64(o.Offered) / exploration.Seconds()), o.ForwardingRate(), err
}

// MaxForwardingRate returns the forwarding rate at load most.
func (s *Setup) MaxForwardingRate(ctx context.Context, size rfc2544.FrameSize, most rfc2544.Rate) (rfc2544.Rate, error) {
	o, err := s.simulated.Measure(ctx, rfc2544.Trial{Size: size, Load: most, Duration: exploration})
	return o.ForwardingRate(), err
}

// Alive returns why the device died, or nil while it runs.
func (s *Setup) Alive() error { return s.dead }

// Spins reports whether the device keeps a core busy with nothing to do.
func (s *Setup) Spins() bool { return false }

// HasProcesses reports whether the device runs as processes of its own.
func (s *Setup) HasProcesses() bool { return !s.simulated.NoProcesses }

// ReportsVitals reports whether the device reports what it allocates.
func (s *Setup) ReportsVitals() bool { return false }

// Vitals returns nil.
func (s *Setup) Vitals() (map[string]dut.Vitals, error) { return nil, nil }

// Close takes the device down, once.
func (s *Setup) Close() error {
	if !s.closed {
		s.closed = true
		s.lab.Down++
		return s.lab.Teardown
	}
	return nil
}
