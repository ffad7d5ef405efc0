package rfc2544

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// TestLatency is the name of the latency test.
const TestLatency = "latency"

// calm is the second load of the latency test: low enough for any tunnel.
const calm Rate = 5000

// A percentile needs this many samples, or a handful of frames decide it.
const (
	enoughForP99  = 1000
	enoughForP999 = 10000
)

// RunLatency measures latency at half of rate and at 5 kpps (values with the
// suffix _5kpps), repeats times each for duration. A value is the median over
// the repeats; lower and upper are the smallest and the largest of them. The
// latency_quiet ones leave out what a stall of the machine touched. At half of
// rate it also yields cpu_ns_per_frame, where the lab could measure it. This is
// not the latency test of RFC 2544 section 26.2, which runs at the throughput.
//
// latency_p999 at 5 kpps takes trials of more than 2 seconds. An invalid trial
// is repeated, a limited number of times; after that its values stand, but the
// outcome is not valid. With an error comes the outcome so far, not valid.
func RunLatency(ctx context.Context, m Measurer, size FrameSize, rate Rate, duration time.Duration, repeats int) (Outcome, error) {
	out := newOutcome(TestLatency)
	if !(rate > 0) || rate.IsFlood() || duration <= 0 || repeats < 1 {
		out.Valid = false
		return out, fmt.Errorf("latency test of rate %v, %v, %d times: each must be above zero, and the rate finite", rate, duration, repeats)
	}
	half := Trial{Size: size, Load: rate / 2, Duration: duration}
	seen, err := out.repeat(ctx, m, "latency", half, repeats)
	if err != nil {
		return out, err
	}
	out.addLatency(seen, half.Load, "")
	out.summarise("cpu_ns_per_frame", present(seen, func(o Observation) *float64 { return o.CPUPerFrame }))
	if rate < calm {
		out.warn("latency at %v left out: it is above the rate of %v", calm, rate)
		return out, nil
	}
	seen, err = out.repeat(ctx, m, "latency", Trial{Size: size, Load: calm, Duration: duration}, repeats)
	if err != nil {
		return out, err
	}
	out.addLatency(seen, calm, "_5kpps")
	return out, nil
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

// quantile is one figure of a distribution.
type quantile struct {
	name  string
	least uint64 // samples it needs
	quiet bool   // wanted of the samples without a stall, too
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

// addQuantile refuses a figure when one of the trials has too few samples.
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

// summarise adds the median of the repeats, between the extremes.
func (o *Outcome) summarise(name string, values []float64) {
	if len(values) == 0 {
		return
	}
	median := stats.Median(values)
	lower, upper := slices.Min(values), slices.Max(values)
	o.Values = append(o.Values, Value{Name: name, Unit: unitTime, Value: median, Lower: &lower, Upper: &upper,
		N: len(values), Better: lowerBetter})
}

// present collects what the observations have of something that may be absent.
func present[T any](seen []Observation, of func(Observation) *T) (all []T) {
	for _, s := range seen {
		if v := of(s); v != nil {
			all = append(all, *v)
		}
	}
	return all
}
