package mlrsearch

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOutwards: each stride that misses is followed by one twice as long.
func TestOutwards(t *testing.T) {
	t.Parallel()
	f := field{last: 100, top: 100}
	fresh := func() *selector {
		return &selector{targets: []target{{width: 2}}, seed: interval{noLow, noHigh}, anchor: interval{noLow, noHigh}}
	}
	down, at := fresh(), []int{40}
	for at[len(at)-1] > 0 {
		step, ok := down.pick(interval{noLow, at[len(at)-1]}, f)
		if !ok {
			t.Fatal("gave up on the way down")
		}
		at = append(at, step)
	}
	if got := fmt.Sprint(at); got != "[40 38 34 26 10 0]" {
		t.Errorf("down: %s", got)
	}
	up, at := fresh(), []int{40}
	for at[len(at)-1] < f.top {
		step, ok := up.pick(interval{at[len(at)-1], noHigh}, f)
		if !ok {
			t.Fatal("gave up on the way up")
		}
		at = append(at, step)
	}
	if got := fmt.Sprint(at); got != "[40 42 46 54 70 100]" {
		t.Errorf("up: %s", got)
	}
}

// TestCeilingIsHalved: below a ceiling that the tester sets, the search halves
// instead of running into it.
func TestCeilingIsHalved(t *testing.T) {
	t.Parallel()
	s := &selector{targets: []target{{width: 1}}, seed: interval{noLow, noHigh}, anchor: interval{noLow, noHigh}}
	if step, ok := s.pick(interval{40, noHigh}, field{last: 100, top: 79}); !ok || step != 60 {
		t.Errorf("between 40 and the ceiling at 80: %d, %v; want 60", step, ok)
	}
	for _, c := range []struct {
		known interval
		field field
	}{
		{interval{79, noHigh}, field{last: 100, top: 79}}, {interval{100, noHigh}, field{last: 100, top: 100}},
		{interval{noLow, 0}, field{last: 100, top: 100}}, {interval{40, 41}, field{last: 100, top: 100}},
		{interval{40, 42}, field{last: 100, top: 100, barred: map[int]bool{41: true}}}, {interval{noLow, noHigh}, field{last: 100, top: -1}},
	} {
		t.Run(fmt.Sprintf("nothing left of %+v on %+v", c.known, c.field), func(t *testing.T) {
			if step, ok := s.pick(c.known, c.field); ok {
				t.Errorf("wants %d", step)
			}
		})
	}
}

// TestSeeds: a coarse interval is confirmed by its middle and one end.
func TestSeeds(t *testing.T) {
	t.Parallel()
	f := field{last: 100, top: 100, barred: map[int]bool{}}
	for _, c := range []struct {
		name        string
		seed, known interval
		want        int
	}{
		{"the middle first", interval{40, 42}, interval{noLow, noHigh}, 41},
		{"then the upper end", interval{40, 42}, interval{41, noHigh}, 42},
		{"or the lower end", interval{40, 42}, interval{noLow, 41}, 40},
		{"no middle: the lower end", interval{40, 41}, interval{noLow, noHigh}, 40},
		{"no middle: then the upper end", interval{40, 41}, interval{40, noHigh}, 41},
		{"confirmed, too wide: the middle", interval{40, 60}, interval{40, 60}, 50},
		{"the seed was wrong: the middle of what is known", interval{40, 60}, interval{10, 30}, 20},
		{"only an upper bound", interval{noLow, 40}, interval{noLow, noHigh}, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &selector{targets: []target{{width: 1}}, seed: c.seed, anchor: interval{noLow, noHigh}}
			if step, ok := s.pick(c.known, f); !ok || step != c.want {
				t.Errorf("step %d, %t; want %d", step, ok, c.want)
			}
		})
	}
}

func TestNominationOrder(t *testing.T) {
	t.Parallel()
	first := candidate{5, time.Second, 1}
	for _, later := range []candidate{{6, time.Minute, 9}, {5, time.Millisecond, 9}} {
		if !first.before(later) || later.before(first) {
			t.Errorf("%v does not come before %v", first, later)
		}
	}
	if wide := (candidate{5, time.Second, 2}); !wide.before(first) || first.before(wide) {
		t.Error("of two equal trials the wider target does not come first")
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	on := newGrid(9001, 1e6, []float64{0.005})
	for text, want := range map[string]string{
		"pdr":     "[1s/1s/4 1s/4.58s/2 1s/21s/1]",
		"rfc2544": "[1m0s/1m0s/1]",
		"loss=0,exceed=0,initial=1s,final=60s,sum=60s,width=0.005": "[1s/1s/4 7.75s/7.75s/2 1m0s/1m0s/1]",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, tg := range goal(t, text).targets(on) {
				got = append(got, fmt.Sprintf("%v/%v/%d", tg.trial.Round(10*time.Millisecond), tg.sum.Round(10*time.Millisecond), tg.width))
			}
			if diff := cmp.Diff(want, fmt.Sprint(got)); diff != "" {
				t.Errorf("trial/sum/width (-want +got):\n%s", diff)
			}
		})
	}
}
