package rfc2544

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// NameBackToBack is the name of the back-to-back test.
const NameBackToBack = "back_to_back"

// LongestBurst is the limit of a search that RFC 9004 section 5.4 recommends.
const LongestBurst = 30 * time.Second

// BackToBackConfig is the input of RunBackToBack.
type BackToBackConfig struct {
	Size       FrameSize
	Rate       Rate          // within a burst: R, or what the tester can offer
	Throughput Rate          // throughput of the device at the same frame size, directions and flows
	Repeats    int           // N, the number of independent searches
	Step       uint64        // resolution of the search, in frames
	Longest    time.Duration // longest burst; 0 is LongestBurst
	Rest       time.Duration // wait before every burst, so that the queue is empty

	MaxVerify    int     // max(r): how often a burst that loses frames is sent again
	MaxLossRatio float64 // z: a burst that loses more is not sent again
}

// RunBackToBack implements RFC 9004, which updates RFC 2544 section 26.4: it searches the longest
// burst at the maximum rate that loses no frame, by binary search with loss verification, Repeats
// times. There is no result if the throughput of the device is the maximum rate, or if a search
// ends at the longest burst. It yields
//
//	back_to_back      mean burst length in frames, bounds are the shortest and longest; and _min, _max, _stddev
//	buffer_time       corrected: burst / rate x (1 - throughput / rate)
//	buffer_time_implied   burst / rate
func RunBackToBack(ctx context.Context, m Measurer, cfg BackToBackConfig) (Outcome, error) {
	out := newOutcome(NameBackToBack)
	if cfg.Longest == 0 {
		cfg.Longest = LongestBurst
	}
	if !(cfg.Rate > 0) || cfg.Rate.IsFlood() || cfg.Repeats < 1 || cfg.Step < 1 || cfg.Longest < 0 || cfg.MaxVerify < 0 || !(cfg.Throughput > 0) {
		return out.bad("%+v: rate, throughput, repeats and step must be above zero", cfg)
	}
	if cfg.Throughput >= cfg.Rate {
		out.warn("back-to-back is not measured: the throughput %v is the highest rate there is", cfg.Throughput)
		return out, nil
	}
	var bursts []float64
	for range cfg.Repeats {
		n, err := out.longestBurst(ctx, m, cfg)
		if errors.Is(err, errNoResult) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		bursts = append(bursts, float64(n))
	}
	out.addBursts(bursts, cfg)
	return out, nil
}

// longestBurst runs one search: it doubles the burst until frames are lost, then halves the
// interval.
func (o *Outcome) longestBurst(ctx context.Context, m Measurer, cfg BackToBackConfig) (uint64, error) {
	const first = 64
	most := cfg.Rate.Frames(cfg.Longest)
	fits := func(n uint64) (bool, error) { return o.burstFits(ctx, m, cfg, n) }
	low, high := uint64(0), min(first, most)
	for {
		ok, err := fits(high)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if high == most {
			o.fail("the longest burst, %v, loses no frame: there is no result", cfg.Longest)
			return 0, errNoResult
		}
		low, high = high, min(2*high, most)
	}
	low, _, err := bisect(low, high, cfg.Step, fits)
	return low, err
}

// errNoResult ends a search without a result; a warning has the reason.
var errNoResult = errors.New("no back-to-back result")

// bisect halves the interval between low (no loss) and high (loss) until it is at most gap wide.
func bisect[T uint64 | Rate](low, high, gap T, good func(T) (bool, error)) (T, T, error) {
	for high-low > gap {
		half := low + (high-low)/2
		ok, err := good(half)
		if err != nil {
			return low, high, err
		}
		if ok {
			low = half
		} else {
			high = half
		}
	}
	return low, high, nil
}

// burstFits reports whether a burst passes without loss. A burst with little loss is sent again:
// loss that does not recur is not caused by the buffer.
func (o *Outcome) burstFits(ctx context.Context, m Measurer, cfg BackToBackConfig, n uint64) (bool, error) {
	t := Trial{
		Size: cfg.Size, Load: cfg.Rate, Duration: time.Duration(math.Ceil(float64(n) / float64(cfg.Rate) * 1e9)), Traffic: Traffic{Rest: cfg.Rest},
	}
	for range 1 + cfg.MaxVerify {
		seen, err := o.measure(ctx, undisturbed{m}, NameBackToBack, t)
		if err != nil {
			return false, err
		}
		if !seen.Valid {
			return false, errNoResult
		}
		if seen.Lost == 0 {
			return true, nil
		}
		if seen.LossRatio() > cfg.MaxLossRatio {
			break
		}
	}
	return false, nil
}

// undisturbed rejects trials whose schedule paused, since the queue could drain during the pause.
type undisturbed struct{ Measurer }

func (u undisturbed) Measure(ctx context.Context, t Trial) (Observation, error) {
	seen, err := u.Measurer.Measure(ctx, t)
	if seen.Paused > 0 {
		seen.Reject(Because(SchedulePaused, "the burst paused for %v", seen.Paused))
	}
	return seen, err
}

// addBursts adds the values of all searches.
func (o *Outcome) addBursts(bursts []float64, cfg BackToBackConfig) {
	mean := stats.Mean(bursts)
	deviation := stats.Deviation(bursts)
	shortest, longest := slices.Min(bursts), slices.Max(bursts)
	frames := func(name string, v float64) Value {
		return Value{Name: NameBackToBack + name, Unit: unitFrames, Value: v, N: len(bursts), Better: higherBetter}
	}
	average := frames("", mean)
	average.Lower, average.Upper = &shortest, &longest
	implied := mean / float64(cfg.Rate) * 1e9
	corrected := implied * (1 - float64(cfg.Throughput/cfg.Rate))
	spread := frames("_stddev", deviation)
	spread.Better = lowerBetter
	o.Values = append(o.Values, average, frames("_min", shortest), frames("_max", longest), spread,
		Value{Name: "buffer_time", Unit: unitTime, Value: corrected, N: len(bursts), Better: higherBetter},
		Value{Name: "buffer_time_implied", Unit: unitTime, Value: implied, N: len(bursts), Better: higherBetter})
	o.warn("N = %d searches to %d frames, a lossy burst sent again up to %d times below a loss of %.3g %%; bursts at %v",
		len(bursts), cfg.Step, cfg.MaxVerify, 100*cfg.MaxLossRatio, cfg.Rate)
}

var _ = register(Test{
	Name: NameBackToBack, Title: "Back-to-back frames", Section: "RFC 9004", Order: 70,
	Efforts: Efforts{
		CI:       BackToBackConfig{Repeats: 3, Step: 16, Rest: 100 * time.Millisecond, MaxVerify: 1, MaxLossRatio: 0.1},
		Standard: BackToBackConfig{Repeats: 50, Step: 4, Rest: 2 * time.Second, MaxVerify: 2, MaxLossRatio: 0.1},
		Full:     BackToBackConfig{Repeats: 50, Step: 1, Rest: 5 * time.Second, MaxVerify: 2, MaxLossRatio: 1},
	},
})

// RunAt implements Config.
func (cfg BackToBackConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	if p.Throughput == 0 {
		return noThroughput(NameBackToBack)
	}
	cfg.Size, cfg.Rate, cfg.Throughput = p.Size, p.most(), p.Throughput
	return RunBackToBack(ctx, m, cfg)
}
