package rfc2544

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// NameBursts is the name of the test with bursty traffic.
const NameBursts = "bursts"

// BurstSizes are the burst sizes of RFC 2544 section 21, in frames.
func BurstSizes() []int { return []int{16, 64, 256, 1024} }

// BurstsConfig is the input of RunBursts.
type BurstsConfig struct {
	Size  FrameSize
	Rate  Rate // within a burst: R, or what the tester can offer
	Min   Rate // lowest average load of the search
	Trial time.Duration
	Width float64       // of the final interval of average loads: (upper-lower)/upper
	Limit time.Duration // of all trials of one burst size; 0 is mlrsearch.DefaultLimit
}

// RunBursts implements RFC 2544 section 21: for each burst size it searches the shortest gap
// between bursts without frame loss, by varying the average load. It yields burst_gap_16 and so on:
// the time from the last frame of a burst to the first frame of the next.
func RunBursts(ctx context.Context, m Measurer, cfg BurstsConfig) (Outcome, error) {
	out := newOutcome(NameBursts)
	var short shortfalls
	short.duration(TrialDuration, cfg.Trial, minuteTrial, "RFC 2544 section 24")
	out.fallShort(short)
	for _, n := range BurstSizes() {
		found, err := Search(ctx, m, SearchConfig{
			Size: cfg.Size, Min: cfg.Min, Max: cfg.Rate, Limit: cfg.Limit, Traffic: Traffic{Burst: n, BurstRate: cfg.Rate}, AllFrames: true,
			Goals: []mlrsearch.Goal{{Name: "lossless", Final: cfg.Trial, Sum: cfg.Trial, Width: cfg.Width}},
		})
		out.Trials = append(out.Trials, found.Trials...)
		out.Warnings = append(out.Warnings, found.Warnings...)
		if err != nil {
			out.Valid = false
			return out, err
		}
		out.addGap(short.name(fmt.Sprintf("burst_gap_%d", n)), n, found.Goals[0], countValid(found.Trials), cfg)
	}
	return out, nil
}

// addGap adds the gap that belongs to the average load found.
func (o *Outcome) addGap(name string, burst int, g mlrsearch.GoalResult, n int, cfg BurstsConfig) {
	gap := func(load float64) *float64 {
		v := (float64(burst)/load - float64(burst-1)/float64(cfg.Rate)) * 1e9
		return &v
	}
	if g.Lower == nil {
		o.fail("bursts of %d frames: no average load from %v up was without loss", burst, cfg.Min)
		return
	}
	longest := gap(*g.Lower)
	v := Value{Name: name, Unit: unitTime, Value: *longest, Upper: longest, N: n, Better: lowerBetter}
	switch {
	case g.Held || g.Upper != nil && !g.Regular:
		o.fail("%s: the bounds are too far apart", name)
	case g.Upper == nil:
		o.warn("%s <= %.0f ns: bursts without a gap lose nothing", name, *longest)
	}
	if g.Upper != nil {
		v.Lower = gap(*g.Upper)
	}
	o.Values = append(o.Values, v)
}

var _ = register(Test{
	Name: NameBursts, Title: "Bursty traffic", Section: "RFC 2544, 21", Order: 90,
	Efforts: Efforts{
		CI:       BurstsConfig{Trial: 500 * time.Millisecond, Width: 0.05, Limit: 2 * time.Minute},
		Standard: BurstsConfig{Trial: 5 * time.Second, Width: 0.02, Limit: time.Hour},
		Full:     BurstsConfig{Trial: time.Minute, Width: 0.01, Limit: 4 * time.Hour},
	},
})

// RunAt implements Config.
func (cfg BurstsConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	cfg.Size, cfg.Rate, cfg.Min = p.Size, p.most(), p.Min
	return RunBursts(ctx, m, cfg)
}
