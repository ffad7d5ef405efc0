package rfc2544

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// NameLatency is the name of the latency test.
const NameLatency = "latency"

// lightLoad is the second load of the latency test: low enough for any tunnel.
const lightLoad Rate = 5000

// Fewest samples for a percentile: with fewer, a handful of frames decide it.
const (
	enoughForP99  = 1000
	enoughForP999 = 10000
)

// LatencyConfig is the input of RunLatency.
type LatencyConfig struct {
	Size    FrameSize
	Rate    Rate          // of the device
	Trial   time.Duration // of one trial
	Repeats int           // trials at each load
}

// RunLatency measures latency at half of the rate and at 5 kpps (values with the
// suffix _5kpps), with several trials each. A value is the median over
// the repeats; lower and upper are the smallest and the largest of them. Values named
// latency_quiet leave out frames that a stall of the machine delayed. At half of the
// rate it also yields cpu_ns_per_frame, where the lab could measure it. This is
// not the latency test of RFC 2544 section 26.2, which runs at the throughput (RunDelay).
//
// latency_p999 at 5 kpps takes trials of more than 2 seconds. An invalid trial
// is repeated, a limited number of times; after that its values stand, but the
// outcome is not valid. With an error comes the outcome so far, not valid.
func RunLatency(ctx context.Context, m Measurer, cfg LatencyConfig) (Outcome, error) {
	out := newOutcome(NameLatency)
	if !(cfg.Rate > 0) || cfg.Rate.IsFlood() || cfg.Trial <= 0 || cfg.Repeats < 1 {
		return out.bad("rate %v, %v, %d times: each must be above zero, and the rate finite", cfg.Rate, cfg.Trial, cfg.Repeats)
	}
	out.fallShort(cfg.shortfalls())
	half := Trial{Size: cfg.Size, Load: cfg.Rate / 2, Duration: cfg.Trial}
	seen, err := out.repeat(ctx, m, "latency", half, cfg.Repeats)
	if err != nil {
		return out, err
	}
	out.addLatency(seen, half.Load, "")
	out.summarise("cpu_ns_per_frame", present(seen, func(o Observation) *float64 { return o.CPUPerFrame }))
	if cfg.Rate < lightLoad {
		out.warn("latency at %v left out: it is above the rate of %v", lightLoad, cfg.Rate)
		return out, nil
	}
	seen, err = out.repeat(ctx, m, "latency", Trial{Size: cfg.Size, Load: lightLoad, Duration: cfg.Trial}, cfg.Repeats)
	if err != nil {
		return out, err
	}
	out.addLatency(seen, lightLoad, "_5kpps")
	return out, nil
}

// shortfalls returns how the measurement falls short of RFC 2544 section 26.2.
func (cfg LatencyConfig) shortfalls() shortfalls {
	const section = "RFC 2544 section 26.2"
	short := shortfalls{{"load", "half of the rate found", "the throughput", section}}
	short.duration(TrialDuration, cfg.Trial, DelayStream, section)
	short.number("runs", cfg.Repeats, DelayRuns, section)
	return short
}

func (o *Outcome) addLatency(seen []Observation, load Rate, suffix string) {
	all := present(seen, func(o Observation) *Distribution { return o.Latency })
	if len(all) == 0 {
		o.fail("latency at %v: no frame came back", load)
		return
	}
	for _, s := range seen {
		if loss := s.LossRatio(); loss > 0 {
			o.warn("latency at %v: %.2g %% of the frames got lost; it is that of the others", load, 100*loss)
			break
		}
	}
	for _, q := range quantiles {
		o.addQuantile("latency_"+q.name+suffix, all, q)
	}
	quiet := present(seen, func(o Observation) *Distribution { return o.LatencyQuiet })
	for _, q := range quantiles {
		if q.quiet {
			o.addQuantile("latency_quiet_"+q.name+suffix, quiet, q)
		}
	}
}

// quantile is one value of a distribution.
type quantile struct {
	name  string
	least uint64 // fewest samples
	quiet bool   // also taken from the samples without a stall
	of    func(Distribution) time.Duration
}

var quantiles = []quantile{
	{"min", 1, false, func(d Distribution) time.Duration { return d.Min }},
	{"p50", 1, true, func(d Distribution) time.Duration { return d.P50 }},
	{"p90", 1, false, func(d Distribution) time.Duration { return d.P90 }},
	{"p99", enoughForP99, true, func(d Distribution) time.Duration { return d.P99 }},
	{"p999", enoughForP999, false, func(d Distribution) time.Duration { return d.P999 }},
	{"max", 1, false, func(d Distribution) time.Duration { return d.Max }},
}

// addQuantile adds a value, unless one of the trials has too few samples.
func (o *Outcome) addQuantile(name string, trials []Distribution, q quantile) {
	var values []float64
	for _, d := range trials {
		if d.N < q.least {
			o.warn("%s left out: %d samples in a trial, it needs %d", name, d.N, q.least)
			return
		}
		values = append(values, float64(q.of(d)))
	}
	o.summarise(name, values)
}

// summarise adds the median of the repeats, with the smallest and largest value as bounds.
func (o *Outcome) summarise(name string, values []float64) {
	if len(values) == 0 {
		return
	}
	median := stats.Median(values)
	lower, upper := slices.Min(values), slices.Max(values)
	o.Values = append(o.Values, Value{Name: name, Unit: unitTime, Value: median, Lower: &lower, Upper: &upper,
		N: len(values), Better: lowerBetter})
}

// present returns the values that are not nil.
func present[T any](seen []Observation, of func(Observation) *T) (all []T) {
	for _, s := range seen {
		if v := of(s); v != nil {
			all = append(all, *v)
		}
	}
	return all
}

var _ = register(Test{
	Name: NameLatency, Title: "Latency", Order: 20,
	Efforts: Efforts{
		CI:       LatencyConfig{Trial: 500 * time.Millisecond, Repeats: 3},
		Standard: LatencyConfig{Trial: 2500 * time.Millisecond, Repeats: 3},
		Full:     LatencyConfig{Trial: 2500 * time.Millisecond, Repeats: 3},
	},
})

// RunAt implements Config.
func (cfg LatencyConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	if p.Found == 0 {
		return Outcome{}, nil
	}
	cfg.Size, cfg.Rate = p.Size, p.Found
	return RunLatency(ctx, m, cfg)
}
