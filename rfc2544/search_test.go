package rfc2544

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func device(t testing.TB, spec string) *SimulatedDevice {
	t.Helper()
	d, err := ParseDevice(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func config(t testing.TB, goals ...string) SearchConfig {
	cfg := SearchConfig{Size: 64, Min: 9001, Max: 1e6}
	for _, g := range goals {
		cfg.Goals = append(cfg.Goals, goal(t, g))
	}
	return cfg
}

func search(t testing.TB, m Measurer, cfg SearchConfig) SearchResult {
	t.Helper()
	found, err := Search(context.Background(), m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// within tells whether a rate is there and right to the hundredth.
func within(got *Rate, want float64) bool {
	return got != nil && math.Abs(float64(*got)-want) < 0.006
}

func TestIdealDevice(t *testing.T) {
	d := device(t, "capacity=600000fps")
	found := search(t, d, config(t, "ndr", "pdr"))
	ndr, pdr := found.Goals[0], found.Goals[1]
	if !ndr.Regular || !within(ndr.Lower, 599817.02) || !within(ndr.Upper, 602830.30) || *ndr.Conditional != *ndr.Lower {
		t.Errorf("ndr %v to %v, conditional %v", *ndr.Lower, *ndr.Upper, *ndr.Conditional)
	}
	if !pdr.Regular || !within(pdr.Lower, 602830.30) || !within(pdr.Upper, 605858.71) || math.Abs(float64(*pdr.Conditional)-600e3) > 1 {
		t.Errorf("pdr %v to %v, conditional %v", *pdr.Lower, *pdr.Upper, *pdr.Conditional)
	}
	// The middle of an interval first, then of its ends the lowest that a goal wants.
	const want = "1000000 599817 611961 605859*3 599817*2 602830*11 599817*8 605859*8"
	if got := runs(loads(found.Trials)); got != want {
		t.Errorf("trials at %s, want %s", got, want)
	}
	if len(found.Trials) != 35 || d.Elapsed() != 35*time.Second {
		t.Errorf("%d trials in %v, want 35 in 35s", len(found.Trials), d.Elapsed())
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
	found := search(t, device(t, "capacity=600000fps"), config(t, "rfc2544"))
	got := fmt.Sprint(loads(found.Trials))
	if want := "[1000000 599817 602830]"; got != want {
		t.Errorf("trials at %s, want %s", got, want)
	}
}

func loads(trials []Observation) (all []uint64) {
	for _, o := range trials {
		all = append(all, uint64(math.Round(float64(o.IntendedLoad))))
	}
	return all
}

func TestLosslessDevice(t *testing.T) {
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
	found := search(t, device(t, "capacity=1fps"), config(t, "ndr"))
	if g := found.Goals[0]; g.Lower != nil || *g.Upper != 9001 || g.Conditional != nil || g.Regular {
		t.Errorf("%+v", g)
	}
}

// TestHardLimit: the zero-loss limit of 60-second trials lies between the
// bounds, for a policer and for a queue, whose limit is capacity + K/60 s.
func TestHardLimit(t *testing.T) {
	for spec, limit := range map[string]Rate{
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
	cfg := config(t, "loss=0,exceed=0,initial=1s,final=60s,sum=60s,width=0.0002")
	found := search(t, device(t, "capacity=437600fps,queue=4096"), cfg)
	g := found.Goals[0]
	if *g.Lower <= 437568 || *g.Lower > 437669 {
		t.Errorf("lower bound %v: 441696 would be the limit of one second", float64(*g.Lower))
	}
	if found.Trials[0].Duration != time.Second {
		t.Errorf("first trial of %v, want 1s", found.Trials[0].Duration)
	}
}

func TestSearchRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*SearchConfig){
		"no goal": func(c *SearchConfig) { c.Goals = nil }, "min 0": func(c *SearchConfig) { c.Min = 0 },
		"min above max": func(c *SearchConfig) { c.Min = 2e6 }, "flood": func(c *SearchConfig) { c.Max = Flood },
		"NaN": func(c *SearchConfig) { c.Min = Rate(math.NaN()) }, "NaN max": func(c *SearchConfig) { c.Max = Rate(math.NaN()) },
		"size": func(c *SearchConfig) { c.Size = 63 }, "limit": func(c *SearchConfig) { c.Limit = -1 }, "retries": func(c *SearchConfig) { c.Retries = -1 },
		"no width": func(c *SearchConfig) { c.Goals[0].Width = 0 }, "goal": func(c *SearchConfig) { c.Goals[0].Final = 0 },
		"no frame": func(c *SearchConfig) { c.Min = 0.5 },
	} {
		cfg := config(t, "ndr")
		spoil(&cfg)
		if _, err := Search(context.Background(), device(t, "capacity=600000fps"), cfg); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line", name, err)
		}
	}
}

// altered is a device with a fault put into its observations.
type altered struct {
	*SimulatedDevice
	alter func(n int, o *Observation) error
	n     int
}

func (a *altered) Measure(ctx context.Context, t Trial) (Observation, error) {
	seen, err := a.SimulatedDevice.Measure(ctx, t)
	a.n++
	if err == nil {
		err = a.alter(a.n, &seen)
	}
	return seen, err
}

func TestPartialResult(t *testing.T) {
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
		m := &altered{SimulatedDevice: device(t, "capacity=600000fps"), alter: func(n int, _ *Observation) error {
			if n == 20 {
				return c.at20()
			}
			return nil
		}}
		found, err := Search(c.ctx, m, config(t, "ndr", "pdr"))
		if !errors.Is(err, c.want) || len(found.Trials) < 19 || len(found.Goals) != 2 || !within(found.Goals[0].Upper, 602830.30) {
			t.Errorf("%s: error %v, %d trials, %+v", name, err, len(found.Trials), found.Goals)
		}
	}
}

func TestLimit(t *testing.T) {
	cfg := config(t, "ndr", "pdr")
	cfg.Limit = 20 * time.Second
	d := device(t, "capacity=600000fps")
	found := search(t, d, cfg)
	if d.Elapsed() != cfg.Limit || len(found.Warnings) != 1 || !strings.Contains(found.Warnings[0], "limit is 20s") {
		t.Errorf("%v of trials, warnings %q", d.Elapsed(), found.Warnings)
	}
}

func TestOnTrial(t *testing.T) {
	cfg := config(t, "ndr")
	var seen []Observation
	cfg.OnTrial = func(o Observation) { seen = append(seen, o) }
	found := search(t, device(t, "capacity=600000fps,invalid=0.1,seed=3"), cfg)
	if len(seen) != len(found.Trials) || countValid(seen) == len(seen) {
		t.Errorf("%d trials seen, %d run, %d of them valid", len(seen), len(found.Trials), countValid(seen))
	}
}

// TestTesterCeiling: a tester that cannot offer more than 300 kfps says nothing
// about a device that can carry more, and all about one that carries less.
func TestTesterCeiling(t *testing.T) {
	for capacity, proved := range map[string]bool{"600000fps": false, "200000fps": true} {
		m := &altered{SimulatedDevice: device(t, "capacity="+capacity), alter: func(_ int, o *Observation) error {
			o.Valid = o.IntendedLoad <= 300e3
			return nil
		}}
		found := search(t, m, config(t, "ndr", "pdr"))
		for _, g := range found.Goals {
			if g.Regular != proved || (g.Upper != nil) != proved || g.Lower == nil {
				t.Errorf("capacity %s, %s: %+v", capacity, g.Goal.Name, g)
			}
			if !proved && (*g.Lower > 300e3 || *g.Lower < 270e3) {
				t.Errorf("%s: lower bound %v, want just below 300kpps", g.Goal.Name, *g.Lower)
			}
		}
		if len(found.Warnings) == 0 {
			t.Error("no warning about the loads left out")
		}
	}
}

// TestBarredLoad: one load that never gets a valid trial is walked around.
func TestBarredLoad(t *testing.T) {
	m := &altered{SimulatedDevice: device(t, "capacity=600000fps"), alter: func(_ int, o *Observation) error {
		o.Valid = math.Abs(float64(o.IntendedLoad)-599817) > 1
		return nil
	}}
	found := search(t, m, config(t, "ndr"))
	g := found.Goals[0]
	if g.Regular || g.Lower == nil || *g.Lower > 599e3 || *g.Lower < 590e3 || *g.Upper > 606e3 {
		t.Errorf("%v to %v, regular %v", g.Lower, g.Upper, g.Regular)
	}
	if len(found.Warnings) != 1 || !strings.Contains(found.Warnings[0], "599.8kpps left out: 4 trials") {
		t.Errorf("warnings %q", found.Warnings)
	}
}

func TestHopelessMachine(t *testing.T) {
	for _, spec := range []string{"capacity=600000fps,invalid=1", "capacity=600000fps,invalid=0.9"} {
		found := search(t, device(t, spec), config(t, "ndr", "pdr"))
		if len(found.Trials) > 200 || len(found.Warnings) == 0 || found.Goals[0].Regular {
			t.Errorf("%s: %d trials, warnings %q, %+v", spec, len(found.Trials), found.Warnings, found.Goals)
		}
	}
}

func TestGrid(t *testing.T) {
	for _, widths := range [][]float64{{0.005}, {0.02}, {0.005, 0.02}, {0.005, 0.0123, 0.3}, {0.9}} {
		g := newGrid(9001, 1e6, widths)
		for step := range g.last {
			if g.load(step) >= g.load(step+1) {
				t.Fatalf("step %d: %v, then %v", step, g.load(step), g.load(step+1))
			}
		}
		for step := 0; step <= g.last; step++ {
			if got := g.floor(g.load(step)); got != step {
				t.Fatalf("the load of step %d is on step %d", step, got)
			}
		}
		for _, w := range widths {
			n := g.width(w)
			if got := relativeWidth(g.load(g.last-n), g.load(g.last)); got > w || got < 0.98*w {
				t.Errorf("width %v of %v is %v in %d steps", w, widths, got, n)
			}
		}
		if g.floor(1) != 0 || g.floor(1e9) != g.last {
			t.Error("a load off the grid is not on its end")
		}
	}
}

// TestOverloadedDevice: one that forwards less the more it gets.
func TestOverloadedDevice(t *testing.T) {
	m := &altered{SimulatedDevice: device(t, "capacity=max"), alter: func(_ int, o *Observation) error {
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
	m := &altered{SimulatedDevice: device(t, "capacity=300000fps"), alter: func(n int, o *Observation) error {
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
	for _, hint := range []Rate{9001, 300e3, 600e3, 1e6} {
		cfg := config(t, "pdr")
		cfg.Hint = hint
		got, err := Search(context.Background(), device(t, "capacity=600000fps"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if first := got.Trials[0].IntendedLoad; first > hint || first < hint*0.99 {
			t.Errorf("hint %v: the first trial is at %v", hint, first)
		}
		g := got.Goals[0]
		if !g.Regular || *g.Lower > 600e3/0.995 || *g.Upper <= 600e3/0.995 {
			t.Errorf("hint %v: bounds %v and %v, regular %t", hint, *g.Lower, *g.Upper, g.Regular)
		}
	}
	cfg := config(t, "pdr")
	cfg.Hint = 2 * cfg.Max
	if _, err := Search(context.Background(), device(t, "capacity=600000fps"), cfg); err == nil {
		t.Error("a hint above max: no error")
	}
}
