package rfc2544

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// NameDelay is the name of the test of latency and its variation.
const NameDelay = "delay"

// Parameters of RFC 2544 section 26.2 and RFC 8219 section 7: length of a stream, time before
// the first tagged frame, length of a stream for delay variation, number of runs. ReceiveWindow is
// how long RFC 2544 section 23 waits for late frames.
const (
	DelayStream     = 120 * time.Second
	DelayTagFrom    = 60 * time.Second
	variationStream = 60 * time.Second
	DelayRuns       = 20
	ReceiveWindow   = 2 * time.Second
)

// DelayConfig is the input of RunDelay.
type DelayConfig struct {
	Size    FrameSize
	Rate    Rate          // the throughput
	Stream  time.Duration // length of one run
	TagFrom time.Duration // time before the first tagged frame
	Runs    int
}

// RunDelay measures delays at the throughput, all in one set of runs:
//
//	latency              RFC 2544 section 26.2: delay of the first tagged frame, mean of the runs
//	latency_typical      RFC 8219 section 7.2: median delay of the tagged frames
//	latency_worst_case   99.9th percentile of the delays of the tagged frames
//	pdv                  RFC 8219 section 7.3.1: 99.9th percentile minus minimum of all delays
//	ipdv_min, ipdv_median, ipdv_max    section 7.3.2: signed differences of consecutive delays
//
// All but the first are medians of the runs, with their 1st and 99th percentiles as bounds. A
// tagged frame that never arrived counts with the rest of its stream and
// ReceiveWindow. Delays are those of store-and-forward devices (RFC 1242
// section 3.8): from handing a frame over to its arrival.
func RunDelay(ctx context.Context, m Measurer, cfg DelayConfig) (Outcome, error) {
	out := newOutcome(NameDelay)
	if !(cfg.Rate > 0) || cfg.Rate.IsFlood() || cfg.Runs < 1 || cfg.TagFrom <= 0 || cfg.Stream <= cfg.TagFrom {
		return out.bad("%+v: rate and runs above zero, and tags within the stream", cfg)
	}
	var latency, variation shortfalls
	latency.duration(TrialDuration, cfg.Stream, DelayStream, "RFC 2544 section 26.2")
	latency.duration("time before the first tag", cfg.TagFrom, DelayTagFrom, "RFC 2544 section 26.2")
	latency.number("runs", cfg.Runs, DelayRuns, "RFC 2544 section 26.2")
	out.fallShort(latency)
	variation.duration(TrialDuration, cfg.Stream, variationStream, "RFC 8219 section 7.3.1")
	variation.number("runs", cfg.Runs, DelayRuns, "RFC 8219 section 7.3.1")
	out.fallShort(variation)
	seen, err := out.repeat(ctx, m, "delay", Trial{
		Size: cfg.Size, Load: cfg.Rate, Duration: cfg.Stream, Traffic: Traffic{TagFrom: cfg.TagFrom},
	}, cfg.Runs)
	if err != nil {
		return out, err
	}
	runs := delaysOf(seen, cfg)
	if len(runs) == 0 {
		out.fail("no valid run of which frames came back")
		return out, nil
	}
	out.average(latency.name("latency"), unitTime, column(runs, func(r delays) float64 { return r.first }))
	for _, c := range []struct {
		name string
		of   func(delays) float64
	}{
		{latency.name("latency_typical"), func(r delays) float64 { return r.typical }},
		{latency.name("latency_worst_case"), func(r delays) float64 { return r.worst }},
		{variation.name("pdv"), func(r delays) float64 { return r.pdv }},
		{variation.name("ipdv_min"), func(r delays) float64 { return float64(r.ipdv.Min) }},
		{variation.name("ipdv_median"), func(r delays) float64 { return float64(r.ipdv.Median) }},
		{variation.name("ipdv_max"), func(r delays) float64 { return float64(r.ipdv.Max) }},
	} {
		out.spread(c.name, column(runs, c.of))
	}
	out.warnTags(seen)
	return out, nil
}

// delays are the delay values of one run, in nanoseconds.
type delays struct {
	first, typical, worst, pdv float64
	ipdv                       Variation
}

// delaysOf returns the delays of all valid runs in which frames arrived.
func delaysOf(seen []Observation, cfg DelayConfig) (runs []delays) {
	for _, o := range seen {
		if !o.Valid || len(o.Tags) == 0 || o.Latency == nil || o.Variation == nil {
			continue
		}
		tags := slices.Clone(o.Tags)
		for i, took := range tags {
			if took == TagLost {
				tags[i] = cfg.Stream - cfg.TagFrom + ReceiveWindow
			}
		}
		r := delays{first: float64(tags[0]), pdv: float64(o.Latency.P999 - o.Latency.Min), ipdv: *o.Variation}
		slices.Sort(tags)
		r.typical = stats.Median(tags)
		r.worst = float64(stats.Percentile(tags, 0.999))
		runs = append(runs, r)
	}
	return runs
}

// warnTags adds a warning with the smallest number of tagged frames in a run and the number of lost
// ones.
func (o *Outcome) warnTags(seen []Observation) {
	fewest, lost := MaxTags*2, 0
	for _, s := range seen {
		fewest = min(fewest, len(s.Tags))
		for _, took := range s.Tags {
			if took == TagLost {
				lost++
			}
		}
	}
	o.warn("%d tagged frames in a run at least", fewest)
	if fewest < MinTags {
		o.fail("fewer than %d tagged frames in a run", MinTags)
	}
	if lost > 0 {
		o.warn("%d tagged frames never came: each counts as the rest of its stream and %v", lost, ReceiveWindow)
	}
}

// spread adds the median of the runs, with their 1st and 99th percentiles as bounds.
func (o *Outcome) spread(name string, values []float64) {
	median := stats.Median(values)
	slices.Sort(values)
	lower, upper := stats.Percentile(values, 0.01), stats.Percentile(values, 0.99)
	o.Values = append(o.Values, Value{Name: name, Unit: unitTime, Value: median, Lower: &lower, Upper: &upper, N: len(values), Better: lowerBetter})
}

func column(runs []delays, of func(delays) float64) []float64 {
	out := make([]float64, len(runs))
	for i, r := range runs {
		out[i] = of(r)
	}
	return out
}

var _ = register(Test{
	Name: NameDelay, Title: "Latency and its variation", Section: "RFC 2544, 26.2; RFC 8219, 7", Order: 50,
	Efforts: Efforts{
		CI:       DelayConfig{Stream: 2 * time.Second, TagFrom: time.Second, Runs: 3},
		Standard: DelayConfig{Stream: 15 * time.Second, TagFrom: 5 * time.Second, Runs: DelayRuns},
		Full:     DelayConfig{Stream: DelayStream, TagFrom: DelayTagFrom, Runs: DelayRuns},
	},
})

// RunAt implements Config.
func (cfg DelayConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	if p.Throughput == 0 {
		return noThroughput(NameDelay)
	}
	cfg.Size, cfg.Rate = p.Size, p.Throughput
	return RunDelay(ctx, m, cfg)
}
