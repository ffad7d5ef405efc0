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

// Offerable is the most that the simulated tester can send.
const Offerable rfc2544.Rate = 1.4e6

// Lab is a simulated laboratory. What happens in it follows from its values alone.
type Lab struct {
	// Devices say how each device behaves, by its spec, as simulated.Parse reads it.
	Devices map[string]string
	// Others is how all other devices behave; empty: they do not come up.
	Others string
	// Dies has a device die in its n-th trial, counted from 1 each time that it is brought up.
	Dies map[string]int

	SetUp []string // the specs of all devices that were brought up, in that order
	Down  int      // how many of them were taken down again
}

// Calibrate measures the bare wire.
func (l *Lab) Calibrate(ctx context.Context, s lab.Settings, _ rfc2544.FrameSize) (*lab.Calibration, error) {
	engine := s.Resolved().Engine
	if engine == lab.EngineAuto {
		engine = lab.EngineXDP
	}
	return &lab.Calibration{Engine: engine, MOL: Offerable}, ctx.Err()
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
	l.SetUp = append(l.SetUp, d.Spec)
	device.Seed += uint64(len(l.SetUp)) // another time that it is up is another draw
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

// Device is what the set-up measures.
func (s *Setup) Device() dut.Device { return s.device }

// Settings are what the set-up is measured with.
func (s *Setup) Settings() lab.Settings { return s.settings }

// Elapsed is the virtual time that its trials took.
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

// MeasureRun is Measure with the run that the observation was made of.
func (s *Setup) MeasureRun(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, lab.Run, error) {
	o, err := s.Measure(ctx, t)
	return o, runOf(t, o), err
}

// MeasureAtAnySpeed is MeasureRun: a simulated core is never slow.
func (s *Setup) MeasureAtAnySpeed(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, lab.Run, error) {
	return s.MeasureRun(ctx, t)
}

// runOf is the ledger that the observation could have been made of.
func runOf(t rfc2544.Trial, o rfc2544.Observation) lab.Run {
	ledger := loadgen.StreamLedger{Counts: o.Counts, Span: o.Duration}
	return lab.Run{
		Plan:   loadgen.Plan{Trial: t},
		Ledger: loadgen.Ledger{Streams: []loadgen.StreamLedger{ledger}, Duration: o.Duration, Latency: o.Latency},
	}
}

// count counts a trial, and has the device die in the one that it is to die in.
func (s *Setup) count() error {
	if s.trials++; s.trials == s.lab.Dies[s.device.Spec] {
		s.dead = errors.New("out of luck")
	}
	if s.dead != nil {
		return fmt.Errorf("%w: %w", lab.ErrDied, s.dead)
	}
	return nil
}

// exploration is how long a trial takes that is no measurement yet.
const exploration = 200 * time.Millisecond

// Explore finds the highest load that can be offered, and about how fast the device is.
func (s *Setup) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	o, err := s.simulated.Measure(ctx, rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: exploration})
	return rfc2544.Rate(float64(o.Offered) / exploration.Seconds()), o.ForwardingRate(), err
}

// MaxForwardingRate is the best at the load most.
func (s *Setup) MaxForwardingRate(ctx context.Context, size rfc2544.FrameSize, most rfc2544.Rate) (rfc2544.Rate, error) {
	o, err := s.simulated.Measure(ctx, rfc2544.Trial{Size: size, Load: most, Duration: exploration})
	return o.ForwardingRate(), err
}

// Alive is why the device is gone, or nil.
func (s *Setup) Alive() error { return s.dead }

// Spins reports whether the device keeps a core busy with nothing to do.
func (s *Setup) Spins() bool { return false }

// HasProcesses reports whether the device runs as processes of its own.
func (s *Setup) HasProcesses() bool { return !s.simulated.NoProcesses }

// ReportsVitals reports whether the device reports what it allocates.
func (s *Setup) ReportsVitals() bool { return false }

// Vitals are none.
func (s *Setup) Vitals() (map[string]dut.Vitals, error) { return nil, nil }

// Close takes the device down, once.
func (s *Setup) Close() error {
	if !s.closed {
		s.closed = true
		s.lab.Down++
	}
	return nil
}
