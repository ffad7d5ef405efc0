package rfc2544

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// NameRecovery is the name of the system recovery test.
const NameRecovery = "recovery"

// RecoveryConfig is the input of RunRecovery.
type RecoveryConfig struct {
	Size       FrameSize
	Throughput Rate
	Most       Rate          // highest load: R, or the maximum offered load if that is lower
	Overload   time.Duration // length of the overload
	After      time.Duration // length of the lower load after it
	Repeats    int
}

// RunRecovery implements RFC 2544 section 26.5: the device is offered 110 % of its throughput, or
// the highest load possible, and then half of that. The recovery time runs from the change of load
// until the last lost frame was sent; it is 0 if no frame was lost after the change. It yields
// recovery_time: the mean, with the smallest and largest value as bounds.
func RunRecovery(ctx context.Context, m Measurer, cfg RecoveryConfig) (Outcome, error) {
	out := newOutcome(NameRecovery)
	if !(cfg.Throughput > 0) || cfg.Overload <= 0 || cfg.After <= 0 || cfg.Repeats < 1 {
		return out.bad("%+v: throughput, times and repeats must be above zero", cfg)
	}
	over := min(1.1*cfg.Throughput, cfg.Most)
	if over <= cfg.Throughput {
		out.warn("recovery is not measured: %v, the most that can be offered, is no overload", over)
		return out, nil
	}
	var short shortfalls
	short.duration("overload duration", cfg.Overload, minuteTrial, "RFC 2544 section 26.5")
	out.fallShort(short)
	seen, err := out.repeat(ctx, m, NameRecovery, Trial{
		Size: cfg.Size, Load: over, Duration: cfg.Overload + cfg.After, Traffic: Traffic{Step: over / 2, StepAt: cfg.Overload},
	}, cfg.Repeats)
	if err != nil {
		return out, err
	}
	var times []float64
	for _, o := range seen {
		if t, ok := out.recovery(o, cfg); ok && o.Valid {
			times = append(times, float64(t))
		}
	}
	out.average(short.name("recovery_time"), unitTime, times)
	return out, nil
}

// recovery returns the recovery time of one trial; ok is false if the device had not recovered at
// its end.
func (o *Outcome) recovery(seen Observation, cfg RecoveryConfig) (time.Duration, bool) {
	const settled = 0.9 // share of cfg.After: a frame lost after it may not have been the last one
	if seen.LastLost == nil {
		o.warn("an overload of %v lost nothing", seen.IntendedLoad)
		return 0, true
	}
	after := *seen.LastLost - cfg.Overload
	if float64(after) > settled*float64(cfg.After) {
		o.fail("not recovered %v after the overload", after.Round(time.Millisecond))
		return 0, false
	}
	return max(0, after), true
}

// average adds the mean, with the least and the greatest value as bounds.
func (o *Outcome) average(name, unit string, values []float64) {
	if len(values) == 0 {
		return
	}
	mean := stats.Mean(values)
	lower, upper := slices.Min(values), slices.Max(values)
	o.Values = append(o.Values, Value{Name: name, Unit: unit, Value: mean, Lower: &lower, Upper: &upper, N: len(values), Better: lowerBetter})
}

var _ = register(Test{
	Name: NameRecovery, Title: "System recovery", Section: "RFC 2544, 26.5", Order: 80,
	Efforts: Efforts{
		CI:       RecoveryConfig{Overload: 2 * time.Second, After: time.Second, Repeats: 1},
		Standard: RecoveryConfig{Overload: 20 * time.Second, After: 5 * time.Second, Repeats: 3},
		Full:     RecoveryConfig{Overload: time.Minute, After: time.Minute, Repeats: 10},
	},
})

// RunAt implements Config.
func (cfg RecoveryConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	if p.Throughput == 0 {
		return noThroughput(NameRecovery)
	}
	cfg.Size, cfg.Throughput, cfg.Most = p.Size, p.Throughput, p.most()
	return RunRecovery(ctx, m, cfg)
}
