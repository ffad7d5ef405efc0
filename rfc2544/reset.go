package rfc2544

import (
	"context"
	"fmt"
	"math"
	"time"
)

// ResetKind is the part of the device that is reset (RFC 6201 section 4).
type ResetKind string

// The kinds: processes kills the tunnel's processes and starts them again; system takes the whole
// device down, its networks included, and builds it again; power does the same, with the device
// absent for PowerOff in between.
const (
	ResetProcess ResetKind = "process"
	ResetSystem  ResetKind = "system"
	ResetPower   ResetKind = "power"
)

// ResetKinds returns all kinds.
func ResetKinds() []ResetKind { return []ResetKind{ResetProcess, ResetSystem, ResetPower} }

// Parameters of RFC 6201 sections 4.1 and 4.3: forwarding without loss before a reset, and
// time without power, which is not part of the reset time.
const (
	ResetClean = 15 * time.Second
	PowerOff   = 15 * time.Second
)

// Test returns the name of the reset test of this kind.
func (k ResetKind) Test() string { return "reset_" + string(k) }

// Reset is a reset in the middle of a trial.
type Reset struct {
	Kind ResetKind     `json:"kind"`
	At   time.Duration `json:"at_ns"`  // since the start of the trial
	Off  time.Duration `json:"off_ns"` // time until the device is started again
}

// Resetter is a Measurer whose device can be reset in the middle of a trial.
// The error wraps errors.ErrUnsupported where the device has nothing to reset.
type Resetter interface {
	Measurer
	MeasureReset(ctx context.Context, t Trial, r Reset) (Observation, error)
}

// ResetConfig is the input of RunReset.
type ResetConfig struct {
	Size       FrameSize // the smallest
	Throughput Rate
	Kind       ResetKind
	Clean      time.Duration // forwarding before the reset
	Off        time.Duration // how long the device stays away; in a suite for ResetPower only
	Limit      time.Duration // after which it has to be back
	Repeats    int
}

// RunReset implements RFC 6201, which updates RFC 2544 section 26.6: the device forwards at its
// throughput and is reset. It yields the averages of the repeats:
//
//	reset_time            lost frames / offered load (the tester sends all the time), less the time off
//	reset_time_timestamp  the longest time without a frame, less the time off
//	reset_loss            frames lost
func RunReset(ctx context.Context, m Resetter, cfg ResetConfig) (Outcome, error) {
	out := newOutcome(cfg.Kind.Test())
	if !(cfg.Throughput > 0) || cfg.Clean <= 0 || cfg.Off < 0 || cfg.Limit <= 0 || cfg.Repeats < 1 {
		return out.bad("%+v: throughput, times and repeats must be above zero", cfg)
	}
	var short shortfalls
	short.duration("forwarding before the reset", cfg.Clean, ResetClean, "RFC 6201 section 4")
	if cfg.Kind == ResetPower {
		short.duration("time without power", cfg.Off, PowerOff, "RFC 6201 section 4.3")
	}
	out.fallShort(short)
	trial := resetting{m, Reset{cfg.Kind, cfg.Clean, cfg.Off}}
	seen, err := out.repeat(ctx, trial, out.Test, Trial{Size: cfg.Size, Load: cfg.Throughput, Duration: cfg.Clean + cfg.Off + cfg.Limit}, cfg.Repeats)
	if err != nil {
		return out, err
	}
	var lost, byLoss, byTime []float64
	for _, o := range seen {
		if !o.Valid {
			continue
		}
		r, err := resetOf(o, cfg)
		if err != nil {
			out.fail("%v", err)
			continue
		}
		lost, byLoss, byTime = append(lost, float64(o.Lost)), append(byLoss, float64(r.byLoss)), append(byTime, float64(r.byTime))
		if r.apart() {
			out.warn("lost frames say %v, timestamps %v: frames got lost besides those sent meanwhile, or came late",
				r.byLoss.Round(time.Microsecond), r.byTime.Round(time.Microsecond))
		}
		if o.Lost == 0 {
			out.warn("no loss")
		}
	}
	out.average(short.name("reset_time"), unitTime, byLoss)
	out.average(short.name("reset_time_timestamp"), unitTime, byTime)
	out.average(short.name("reset_loss"), unitFrames, lost)
	return out, nil
}

// resetting is a Measurer whose trials all have the same reset.
type resetting struct {
	Resetter
	reset Reset
}

func (r resetting) Measure(ctx context.Context, t Trial) (Observation, error) {
	return r.MeasureReset(ctx, t, r.reset)
}

// resetTimes are the durations of one reset, by both methods of RFC 6201 section 3.
type resetTimes struct{ byLoss, byTime time.Duration }

// apart reports whether the two methods differ by more than 0.5 % and by more than 1 ms.
func (r resetTimes) apart() bool {
	return math.Abs(float64(r.byLoss-r.byTime)) > float64(r.byTime)/200+float64(time.Millisecond)
}

// resetOf returns the duration of the reset in a trial, or an error if the device did not come
// back.
func resetOf(o Observation, cfg ResetConfig) (resetTimes, error) {
	if o.Lost == 0 {
		return resetTimes{}, nil
	}
	whole := float64(cfg.Throughput) * float64(max(1, len(o.Directions)))
	lasted := time.Duration(float64(o.Lost)/whole*1e9) - cfg.Off
	if o.LongestGap == nil || o.LongestGap.At+o.LongestGap.Length <= cfg.Clean { // the gap ended before the reset
		if lasted > cfg.Limit/2 {
			return resetTimes{}, fmt.Errorf("the device was not back %v after its reset", cfg.Limit)
		}
		return resetTimes{byLoss: lasted}, nil
	}
	for _, s := range o.Stalls { // the schedule paused: no frame was sent that could be lost
		if s.Side == SideTester && s.At >= o.LongestGap.At && s.At < o.LongestGap.At+o.LongestGap.Length {
			lasted += s.Length
		}
	}
	return resetTimes{lasted, o.LongestGap.Length - cfg.Off}, nil
}

var (
	_ = register(Test{Name: ResetProcess.Test(), Title: "Reset: process", Section: "RFC 6201, 4.2.2", Order: 100, Efforts: resetEfforts(ResetProcess)})
	_ = register(Test{Name: ResetSystem.Test(), Title: "Reset: whole device", Section: "RFC 6201, 4.2.1", Order: 110, Efforts: resetEfforts(ResetSystem)})
	_ = register(Test{Name: ResetPower.Test(), Title: "Reset: power", Section: "RFC 6201, 4.3", Order: 120, Efforts: resetEfforts(ResetPower)})
)

func resetEfforts(kind ResetKind) Efforts {
	return Efforts{
		CI:       ResetConfig{Kind: kind, Clean: 2 * time.Second, Off: 2 * time.Second, Limit: 5 * time.Second, Repeats: 1},
		Standard: ResetConfig{Kind: kind, Clean: ResetClean, Off: PowerOff, Limit: 10 * time.Second, Repeats: 3},
		Full:     ResetConfig{Kind: kind, Clean: ResetClean, Off: PowerOff, Limit: 30 * time.Second, Repeats: 10},
	}
}

// RunAt implements Config. Resets are measured at the smallest size only.
func (cfg ResetConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	switch {
	case !p.Smallest:
		return Outcome{}, nil
	case p.Throughput == 0:
		return noThroughput(cfg.Kind.Test())
	case cfg.Kind != ResetPower:
		cfg.Off = 0
	}
	cfg.Size, cfg.Throughput = p.Size, p.Throughput
	return RunReset(ctx, m, cfg)
}
