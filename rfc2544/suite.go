package rfc2544

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Suite is how thoroughly the whole family of tests is run. The zero value of
// what a single test needs leaves that test out.
type Suite struct {
	Goals       []mlrsearch.Goal // of the rate test
	SearchLimit time.Duration    // of the trials of one search; 0 is mlrsearch.DefaultLimit
	Rest        time.Duration    // before every trial (RFC 2544 section 23)

	Latency        time.Duration // of a trial at half of the rate
	LatencyRepeats int

	Exploratory, Trial time.Duration // of the throughput; see ThroughputConfig
	Width              float64
	Networks           int // that destinations are spread over, in a test of its own

	Stream, TagFrom time.Duration // see DelayConfig
	Runs            int

	LossStep  int // percent of R
	LossTrial time.Duration

	Bursts     int    // N of back-to-back
	BurstStep  uint64 // frames
	BurstRest  time.Duration
	Verify     int
	Hopeless   float64
	BurstTrial time.Duration // of bursty traffic
	BurstWidth float64

	Overload, After time.Duration // see RecoveryConfig
	Recoveries      int

	Clean, Off, Limit time.Duration // see ResetConfig
	Resets            int
}

// Point is a device at a frame size, as far as it is known before a suite.
type Point struct {
	Size      FrameSize
	Nominal   Rate // R
	Offerable Rate // the most that the tester can pace into the device
	Min, Max  Rate // of the rate test
	Hint      Rate // about the device's rate; 0: unknown
	Smallest  bool // the smallest size of the run: the one to reset at (RFC 6201 section 4)
}

// Run runs all tests of the suite at one point. Each outcome is told when it is
// there; with it comes an error that wraps errors.ErrUnsupported where the device
// has nothing to test. Any other error ends the suite, with the outcome so
// far told. Tests at the throughput are left out with a warning where none was found.
//
//	rate -> throughput -+-> latency, delay, loss rate, back-to-back, recovery, resets
//	                    +-> bursts, networks
func (s Suite) Run(ctx context.Context, m Resetter, p Point, each func(Outcome, error)) error {
	r := &suiteRun{Suite: s, m: rested{m, s.Rest}, point: p, each: each}
	for _, test := range []func(context.Context) (Outcome, error){
		r.rate, r.latency, r.findThroughput, r.networks, r.delay, r.lossRate, r.backToBack, r.recovery, r.bursts,
	} {
		if err := r.tell(test(ctx)); err != nil {
			return err
		}
	}
	if !p.Smallest || s.Resets == 0 {
		return nil
	}
	for _, kind := range ResetKinds() {
		if err := r.tell(r.reset(ctx, kind)); err != nil {
			return err
		}
	}
	return nil
}

// rested leaves the device alone before every trial.
type rested struct {
	Resetter
	rest time.Duration
}

func (r rested) Measure(ctx context.Context, t Trial) (Observation, error) {
	t.Rest = max(t.Rest, r.rest)
	return r.Resetter.Measure(ctx, t)
}

func (r rested) MeasureReset(ctx context.Context, t Trial, reset Reset) (Observation, error) {
	t.Rest = max(t.Rest, r.rest)
	return r.Resetter.MeasureReset(ctx, t, reset)
}

// suiteRun is a suite on its way.
type suiteRun struct {
	Suite
	m          rested
	point      Point
	each       func(Outcome, error)
	found      Rate // by the rate test's last goal
	throughput Rate // 0: none found
}

func (r *suiteRun) tell(out Outcome, err error) error {
	if out.Test == "" {
		return err
	}
	r.each(out, err)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// most is the highest load of the RFC's tests: of the link, or of the tester.
func (r *suiteRun) most() Rate { return min(r.point.Nominal, r.point.Offerable) }

func (r *suiteRun) rate(ctx context.Context) (Outcome, error) {
	if len(r.Goals) == 0 {
		return Outcome{}, nil
	}
	out, err := RunRate(ctx, r.m, SearchConfig{
		Goals: r.Goals, Size: r.point.Size, Min: r.point.Min, Max: r.point.Max, Hint: r.point.Hint, Limit: r.SearchLimit,
	})
	r.found = out.rate(r.Goals[len(r.Goals)-1].Name)
	return out, err
}

// rate is the value of that name; 0 where there is none.
func (o *Outcome) rate(name string) Rate {
	for _, v := range o.Values {
		if v.Name == name {
			return Rate(v.Value)
		}
	}
	return 0
}

func (r *suiteRun) latency(ctx context.Context) (Outcome, error) {
	if r.LatencyRepeats == 0 || r.found == 0 {
		return Outcome{}, nil
	}
	return RunLatency(ctx, r.m, r.point.Size, r.found, r.Latency, r.LatencyRepeats)
}

func (r *suiteRun) throughputConfig() ThroughputConfig {
	cfg := ThroughputConfig{
		Size: r.point.Size, Min: r.point.Min, Max: r.most(), Exploratory: r.Exploratory, Trial: r.Trial, Width: r.Width, Limit: r.SearchLimit,
	}
	if r.found >= cfg.Min && r.found <= cfg.Max {
		cfg.Hint = r.found
	}
	return cfg
}

func (r *suiteRun) findThroughput(ctx context.Context) (Outcome, error) {
	if r.Trial == 0 {
		return Outcome{}, nil
	}
	out, err := RunThroughput(ctx, r.m, r.throughputConfig())
	if len(out.Values) > 0 {
		r.throughput = Rate(out.Values[0].Value)
	}
	return out, err
}

func (r *suiteRun) networks(ctx context.Context) (Outcome, error) {
	if r.Networks == 0 {
		return Outcome{}, nil
	}
	cfg := r.throughputConfig()
	cfg.Networks = r.Networks
	if r.throughput > 0 {
		cfg.Hint = r.throughput
	}
	return RunThroughput(ctx, r.m, cfg)
}

// unknown is the outcome of a test at a throughput that nobody knows.
func (r *suiteRun) unknown(test string) (Outcome, error) {
	out := newOutcome(test)
	out.fail("%s is not measured: no throughput was found", test)
	return out, nil
}

func (r *suiteRun) delay(ctx context.Context) (Outcome, error) {
	switch {
	case r.Runs == 0:
		return Outcome{}, nil
	case r.throughput == 0:
		return r.unknown(TestDelay)
	}
	return RunDelay(ctx, r.m, DelayConfig{Size: r.point.Size, Rate: r.throughput, Stream: r.Stream, TagFrom: r.TagFrom, Runs: r.Runs})
}

func (r *suiteRun) lossRate(ctx context.Context) (Outcome, error) {
	if r.LossStep == 0 {
		return Outcome{}, nil
	}
	return RunLossRate(ctx, r.m, LossRateConfig{
		Size: r.point.Size, Nominal: r.point.Nominal, Offerable: r.point.Offerable, Step: r.LossStep, Trial: r.LossTrial,
	})
}

func (r *suiteRun) backToBack(ctx context.Context) (Outcome, error) {
	switch {
	case r.Bursts == 0:
		return Outcome{}, nil
	case r.throughput == 0:
		return r.unknown(TestBackToBack)
	}
	return RunBackToBack(ctx, rested{r.m, r.BurstRest}, BackToBackConfig{
		Size: r.point.Size, Rate: r.most(), Throughput: r.throughput, Repeats: r.Bursts, Step: r.BurstStep, Verify: r.Verify, Hopeless: r.Hopeless,
	})
}

func (r *suiteRun) recovery(ctx context.Context) (Outcome, error) {
	switch {
	case r.Recoveries == 0:
		return Outcome{}, nil
	case r.throughput == 0:
		return r.unknown(TestRecovery)
	}
	return RunRecovery(ctx, r.m, RecoveryConfig{
		Size: r.point.Size, Throughput: r.throughput, Most: r.most(), Overload: r.Overload, After: r.After, Repeats: r.Recoveries,
	})
}

func (r *suiteRun) bursts(ctx context.Context) (Outcome, error) {
	if r.BurstTrial == 0 {
		return Outcome{}, nil
	}
	return RunBursts(ctx, r.m, BurstsConfig{
		Size: r.point.Size, Rate: r.most(), Min: r.point.Min, Trial: r.BurstTrial, Width: r.BurstWidth, Limit: r.SearchLimit,
	})
}

func (r *suiteRun) reset(ctx context.Context, kind ResetKind) (Outcome, error) {
	if r.throughput == 0 {
		return r.unknown(kind.Test())
	}
	off := time.Duration(0)
	if kind == ResetPower {
		off = r.Off
	}
	return RunReset(ctx, r.m, ResetConfig{
		Size: r.point.Size, Throughput: r.throughput, Kind: kind, Clean: r.Clean, Off: off, Limit: r.Limit, Repeats: r.Resets,
	})
}
