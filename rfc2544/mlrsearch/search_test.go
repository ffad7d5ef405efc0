package mlrsearch_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// tester measures a simulated device with frames of 64 bytes.
type tester struct {
	device *simulated.Device
	alter  func(n int, o *rfc2544.Observation) error // changes observation n, from 1 on; may be nil
	n      int
}

func (m *tester) Measure(ctx context.Context, load float64, d time.Duration) (mlrsearch.Result, error) {
	seen, err := m.device.Measure(ctx, rfc2544.Trial{Size: 64, Load: rfc2544.Rate(load), Duration: d})
	m.n++
	if err == nil && m.alter != nil {
		err = m.alter(m.n, &seen)
	}
	return mlrsearch.Result{LossRatio: seen.LossRatio(), Valid: seen.Valid}, err
}

func device(t testing.TB, spec string) *tester {
	t.Helper()
	d, err := simulated.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &tester{device: d}
}

func config(t testing.TB, goals ...string) mlrsearch.Config {
	t.Helper()
	cfg := mlrsearch.Config{Min: 9001, Max: 1e6}
	for _, text := range goals {
		g, err := mlrsearch.ParseGoal(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Goals = append(cfg.Goals, g)
	}
	return cfg
}

func search(t testing.TB, m mlrsearch.Measurer, cfg mlrsearch.Config) mlrsearch.Found {
	t.Helper()
	found, err := mlrsearch.Search(context.Background(), m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// within reports whether a load is there and right to the hundredth.
func within(got *float64, want float64) bool {
	return got != nil && math.Abs(*got-want) < 0.006
}

func TestIdealDevice(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=600000fps")
	found := search(t, d, config(t, "ndr", "pdr"))
	ndr, pdr := found.Goals[0], found.Goals[1]
	if !ndr.Regular || !within(ndr.Lower, 599817.02) || !within(ndr.Upper, 602830.30) || *ndr.Conditional != *ndr.Lower {
		t.Errorf("ndr %v to %v, conditional %v", *ndr.Lower, *ndr.Upper, *ndr.Conditional)
	}
	if !pdr.Regular || !within(pdr.Lower, 602830.30) || !within(pdr.Upper, 605858.71) || math.Abs(*pdr.Conditional-600e3) > 1 {
		t.Errorf("pdr %v to %v, conditional %v", *pdr.Lower, *pdr.Upper, *pdr.Conditional)
	}
	// The middle of an interval first, then of its ends the lowest that a goal wants.
	const want = "1000000 599817 611961 605859*3 599817*2 602830*11 599817*8 605859*8"
	if got := runs(loads(found.Trials)); got != want {
		t.Errorf("trials at %s, want %s", got, want)
	}
	if len(found.Trials) != 35 || found.Spent != 35*time.Second || d.device.Elapsed() != found.Spent || found.Ended != mlrsearch.Complete {
		t.Errorf("%d trials in %v (device: %v), want 35 in 35s; ended: %v", len(found.Trials), found.Spent, d.device.Elapsed(), found.Ended)
	}
}

// runs writes equal neighbours once, with their number.
func runs(all []uint64) string {
	var words []string
	for i, n := 0, 0; i < len(all); i += n {
		for n = 1; i+n < len(all) && all[i+n] == all[i]; n++ {
		}
		word := fmt.Sprint(all[i])
		if n > 1 {
			word += fmt.Sprintf("*%d", n)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestIdealDeviceRFC2544(t *testing.T) {
	t.Parallel()
	found := search(t, device(t, "capacity=600000fps"), config(t, "rfc2544"))
	got := fmt.Sprint(loads(found.Trials))
	if want := "[1000000 599817 602830]"; got != want {
		t.Errorf("trials at %s, want %s", got, want)
	}
}

func loads(trials []mlrsearch.Trial) (all []uint64) {
	for _, o := range trials {
		all = append(all, uint64(math.Round(o.Load)))
	}
	return all
}

func TestLosslessDevice(t *testing.T) {
	t.Parallel()
	found := search(t, device(t, "capacity=max"), config(t, "ndr", "pdr"))
	for _, g := range found.Goals {
		if *g.Lower != 1e6 || g.Upper != nil || g.Regular || *g.Conditional != 1e6 {
			t.Errorf("%+v", g)
		}
	}
	if len(found.Trials) != 11 {
		t.Errorf("%d trials, want 11", len(found.Trials))
	}
}

func TestDeadDevice(t *testing.T) {
	t.Parallel()
	found := search(t, device(t, "capacity=1fps"), config(t, "ndr"))
	if g := found.Goals[0]; g.Lower != nil || *g.Upper != 9001 || g.Conditional != nil || g.Regular {
		t.Errorf("%+v", g)
	}
}

// TestHardLimit: the zero-loss limit of 60-second trials lies between the
// bounds, for a policer and for a queue, whose limit is capacity + K/60 s.
func TestHardLimit(t *testing.T) {
	t.Parallel()
	for spec, limit := range map[string]float64{
		"capacity=437600fps":            437600 + 1.0/60, // one frame more than the policer lets through
		"capacity=437600fps,queue=4096": 437668.3,
	} {
		for _, width := range []string{"0.005", "0.0002"} {
			cfg := config(t, "loss=0,exceed=0,final=60s,sum=60s,name=throughput,width="+width)
			found := search(t, device(t, spec), cfg).Goals[0]
			if !found.Regular || *found.Lower > limit || *found.Upper < limit || *found.Conditional != *found.Lower {
				t.Errorf("%s: %v to %v, limit %v", spec, *found.Lower, *found.Upper, limit)
			}
		}
	}
}

// TestExploration: shorter trials find the place, 60-second ones confirm it.
func TestExploration(t *testing.T) {
	t.Parallel()
	cfg := config(t, "loss=0,exceed=0,initial=1s,final=60s,sum=60s,width=0.0002")
	found := search(t, device(t, "capacity=437600fps,queue=4096"), cfg)
	g := found.Goals[0]
	if *g.Lower <= 437568 || *g.Lower > 437669 {
		t.Errorf("lower bound %v: 441696 would be the limit of one second", *g.Lower)
	}
	if found.Trials[0].Duration != time.Second {
		t.Errorf("first trial of %v, want 1s", found.Trials[0].Duration)
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, complaint string
		spoil           func(*mlrsearch.Config)
	}{
		{"no goal", "no goal", func(c *mlrsearch.Config) { c.Goals = nil }},
		{"min 0", "loads from 0", func(c *mlrsearch.Config) { c.Min = 0 }},
		{"min above max", "loads from 2e+06", func(c *mlrsearch.Config) { c.Min = 2e6 }},
		{"endless max", "max finite", func(c *mlrsearch.Config) { c.Max = math.Inf(1) }},
		{"min NaN", "loads from NaN", func(c *mlrsearch.Config) { c.Min = math.NaN() }},
		{"max NaN", "to NaN", func(c *mlrsearch.Config) { c.Max = math.NaN() }},
		{"hint above max", "hint 2e+06", func(c *mlrsearch.Config) { c.Hint = 2e6 }},
		{"limit", "limit -1ns", func(c *mlrsearch.Config) { c.Limit = -1 }},
		{"goal twice", "goal ndr: comes twice", func(c *mlrsearch.Config) { c.Goals = append(c.Goals, c.Goals[0]) }},
		{"retries", "retries -1", func(c *mlrsearch.Config) { c.Retries = -1 }},
		{"no width", "width 0", func(c *mlrsearch.Config) { c.Goals[0].Width = 0 }},
		{"bad goal", "final 0s", func(c *mlrsearch.Config) { c.Goals[0].Final = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, "ndr")
			c.spoil(&cfg)
			_, err := mlrsearch.Search(context.Background(), device(t, "capacity=600000fps"), cfg)
			if err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.complaint)
			}
		})
	}
}

func TestPartialResult(t *testing.T) {
	t.Parallel()
	died := errors.New("the device died")
	ctx, cancel := context.WithCancel(context.Background())
	for name, c := range map[string]struct {
		ctx  context.Context
		at20 func() error
		want error
	}{
		"device":  {context.Background(), func() error { return died }, died},
		"context": {ctx, func() error { cancel(); return nil }, context.Canceled},
	} {
		m := &tester{device: device(t, "capacity=600000fps").device, alter: func(n int, _ *rfc2544.Observation) error {
			if n == 20 {
				return c.at20()
			}
			return nil
		}}
		found, err := mlrsearch.Search(c.ctx, m, config(t, "ndr", "pdr"))
		if !errors.Is(err, c.want) || len(found.Trials) < 19 || len(found.Goals) != 2 || !within(found.Goals[0].Upper, 602830.30) {
			t.Errorf("%s: error %v, %d trials, %+v", name, err, len(found.Trials), found.Goals)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	cfg := config(t, "ndr", "pdr")
	cfg.Limit = 20 * time.Second
	d := device(t, "capacity=600000fps")
	found := search(t, d, cfg)
	if d.device.Elapsed() != cfg.Limit || found.Spent != cfg.Limit || found.Ended != mlrsearch.LimitReached {
		t.Errorf("%v of trials (device: %v), ended %v", found.Spent, d.device.Elapsed(), found.Ended)
	}
}

// TestOverloadedDevice: one that forwards less the more it gets.
func TestOverloadedDevice(t *testing.T) {
	t.Parallel()
	m := &tester{device: device(t, "capacity=max").device, alter: func(_ int, o *rfc2544.Observation) error {
		if excess := float64(o.Intended) - 400e3; excess > 0 {
			o.Received = uint64(max(400e3-0.1*excess, 0)) // 340k at the maximum
		}
		return nil
	}}
	found := search(t, m, config(t, "ndr"))
	if g := found.Goals[0]; !g.Regular || *g.Lower > 400e3 || *g.Upper < 400e3 || len(found.Trials) > 35 {
		t.Errorf("%v to %v in %d trials", g.Lower, g.Upper, len(found.Trials))
	}
}

// TestLuckyStart: a first trial that promised too much costs one more.
func TestLuckyStart(t *testing.T) {
	t.Parallel()
	m := &tester{device: device(t, "capacity=300000fps").device, alter: func(n int, o *rfc2544.Observation) error {
		if n == 1 {
			o.Received = 600e3
		}
		return nil
	}}
	found := search(t, m, config(t, "ndr"))
	if got := fmt.Sprint(loads(found.Trials)[:3]); got != "[1000000 599817 298892]" {
		t.Errorf("first trials at %s", got)
	}
}

// TestLongGoalBesideShort: minutes are not spent where seconds gave the hint.
func TestLongGoalBesideShort(t *testing.T) {
	t.Parallel()
	found := search(t, device(t, "capacity=600000fps"), config(t, "ndr", "loss=0,exceed=0.5,final=60s,sum=120s,name=long,width=0.005"))
	var long int
	for _, o := range found.Trials {
		if o.Duration == time.Minute {
			long++
		}
	}
	if long > 5 || !found.Goals[1].Regular {
		t.Errorf("%d trials of a minute, %+v", long, found.Goals[1])
	}
}

// A hint replaces the way down from Max; a wrong one costs trials, not truth.
func TestSearchBeginsAtTheHint(t *testing.T) {
	t.Parallel()
	for _, hint := range []float64{9001, 300e3, 600e3, 1e6} {
		cfg := config(t, "pdr")
		cfg.Hint = hint
		got, err := mlrsearch.Search(context.Background(), device(t, "capacity=600000fps"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if first := got.Trials[0].Load; first > hint || first < hint*0.99 {
			t.Errorf("hint %v: the first trial is at %v", hint, first)
		}
		g := got.Goals[0]
		if !g.Regular || *g.Lower > 600e3/0.995 || *g.Upper <= 600e3/0.995 {
			t.Errorf("hint %v: bounds %v and %v, regular %t", hint, *g.Lower, *g.Upper, g.Regular)
		}
	}
}
