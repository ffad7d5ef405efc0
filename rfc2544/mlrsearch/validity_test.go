package mlrsearch_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// TestTesterCeiling: a tester that cannot offer more than 300 kfps says nothing
// about a device that can carry more, and all about one that carries less.
func TestTesterCeiling(t *testing.T) {
	t.Parallel()
	for capacity, proved := range map[string]bool{"600000fps": false, "200000fps": true} {
		m := &tester{device: device(t, "capacity="+capacity).device, alter: func(_ int, o *rfc2544.Observation) error {
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
		if len(found.Skipped) == 0 {
			t.Error("no load was left out")
		}
	}
}

// TestBarredLoad: one load that never gets a valid trial is walked around, and tried again twice.
func TestBarredLoad(t *testing.T) {
	t.Parallel()
	m := &tester{device: device(t, "capacity=600000fps").device, alter: func(_ int, o *rfc2544.Observation) error {
		o.Valid = math.Abs(float64(o.IntendedLoad)-599817) > 1
		return nil
	}}
	found := search(t, m, config(t, "ndr"))
	g := found.Goals[0]
	if g.Regular || g.Lower == nil || *g.Lower > 599e3 || *g.Lower < 590e3 || *g.Upper > 606e3 {
		t.Errorf("%v to %v, regular %v", g.Lower, g.Upper, g.Regular)
	}
	if len(found.Skipped) != 1 || math.Round(found.Skipped[0].Load) != 599817 || found.Skipped[0].Trials != 12 {
		t.Errorf("left out: %+v", found.Skipped)
	}
}

// A machine on which hardly any trial is valid ends the search.
func TestBusyMachine(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"capacity=600000fps,invalid=1", "capacity=600000fps,invalid=0.9"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			m := device(t, spec)
			found := search(t, m, config(t, "ndr", "pdr"))
			if m.n > 200 || len(found.Skipped) == 0 || found.Goals[0].Regular {
				t.Errorf("%d trials, left out %+v, %+v", m.n, found.Skipped, found.Goals)
			}
		})
	}
}

// The effective duration decides the duration sum, not whether a trial is full-length.
func TestEffectiveDuration(t *testing.T) {
	t.Parallel()
	m := measurerFunc(func(load float64, d time.Duration) mlrsearch.Result {
		return mlrsearch.Result{Valid: true, Effective: 2 * d, LossRatio: max(0, 1-600e3/load)}
	})
	found := search(t, m, config(t, "ndr"))
	plain := search(t, device(t, "capacity=600000fps"), config(t, "ndr"))
	if found.Trials[0].Effective != 2*time.Second || found.Trials[0].Duration != time.Second {
		t.Errorf("a trial of 1s that counts for 2s is kept as %+v", found.Trials[0])
	}
	if diff := cmp.Diff(plain.Goals, found.Goals, cmp.AllowUnexported(mlrsearch.Ratio{})); diff != "" || len(found.Trials) >= len(plain.Trials) {
		t.Errorf("%d trials, %d of single duration; bounds differ (-single +double):\n%s", len(found.Trials), len(plain.Trials), diff)
	}
}

// A trial of which less than half counts is repeated once, and both are used. For the limit each
// counts by its effective duration, or by a third of the intended one.
func TestPoorTrialsAreRepeated(t *testing.T) {
	t.Parallel()
	valid := func(share float64) mlrsearch.Result {
		return mlrsearch.Result{Valid: true, Effective: time.Duration(share * float64(time.Second))}
	}
	const third, oneMore = time.Second / 3, 1340 * time.Millisecond // the limit that one trial of a third leaves room under
	for _, c := range []struct {
		name    string
		results []mlrsearch.Result
		limit   time.Duration
		want    []time.Duration // effective durations of the valid trials
		spent   time.Duration
	}{
		{"half counts", []mlrsearch.Result{valid(0.5)}, oneMore, []time.Duration{time.Second / 2}, time.Second / 2},
		{"twice little", []mlrsearch.Result{valid(0.1), valid(0.3)}, oneMore, []time.Duration{time.Second / 10, 3 * time.Second / 10}, 2 * third},
		{"the second is not valid", []mlrsearch.Result{valid(0.1), {}}, oneMore, []time.Duration{time.Second / 10}, third + time.Second},
		{"after one that is not valid", []mlrsearch.Result{{}, valid(0.1), valid(0.2)}, time.Second + oneMore, []time.Duration{time.Second / 10, time.Second / 5}, time.Second + 2*third},
		{"no time for the repeat", []mlrsearch.Result{valid(0.1)}, time.Second, []time.Duration{time.Second / 10}, third},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			m := measurerFunc(func(float64, time.Duration) mlrsearch.Result {
				n++
				return c.results[n-1]
			})
			cfg := config(t, "loss=0,exceed=0.5,final=1s,sum=9s,width=0.01")
			cfg.Limit = c.limit
			found := search(t, m, cfg)
			var got []time.Duration
			for _, trial := range found.Trials {
				got = append(got, trial.Effective)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || n != len(c.results) || found.Spent != c.spent {
				t.Errorf("%d trials, %v spent, want %d and %v; effective durations (-want +got):\n%s", n, found.Spent, len(c.results), c.spent, diff)
			}
		})
	}
}

// Loads without a valid trial above the lower bound leave the goal held, unless they are beyond what
// the tester can offer.
func TestHeldGoals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		beyond func(n int, load float64) (valid, short bool) // above 300 kfps
		held   bool
		lower  float64 // about
	}{
		{"the tester cannot offer more", func(int, float64) (bool, bool) { return false, true }, false, 300e3},
		{"spoilt", func(int, float64) (bool, bool) { return false, false }, true, 300e3},
		{"short once", func(n int, _ float64) (bool, bool) { return false, n%2 == 0 }, true, 300e3},
		{"spoilt for a while", func(n int, _ float64) (bool, bool) { return n > 12, false }, false, 600e3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			m := measurerFunc(func(load float64, _ time.Duration) mlrsearch.Result {
				result := mlrsearch.Result{Valid: true, LossRatio: max(0, 1-600e3/load)}
				if load > 300e3 {
					n++
					result.Valid, result.Short = c.beyond(n, load)
				}
				return result
			})
			g := search(t, m, config(t, "quick")).Goals[0]
			if g.Held != c.held || (g.Upper == nil) != (c.lower < 600e3) || g.Lower == nil || math.Abs(*g.Lower/c.lower-1) > 0.05 {
				t.Errorf("%v, held %t; want a lower bound of about %.0f, held %t", g, g.Held, c.lower, c.held)
			}
		})
	}
}

type measurerFunc func(load float64, d time.Duration) mlrsearch.Result

func (f measurerFunc) Measure(_ context.Context, load float64, d time.Duration) (mlrsearch.Result, error) {
	return f(load, d), nil
}
