package field

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// around returns intervals of these values, each of a width on either side.
func around(wide float64, values ...float64) (out []Interval) {
	for _, v := range values {
		out = append(out, Interval{Value: v, Lower: v - wide, Upper: v + wide})
	}
	return out
}

func TestAgreement(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d"}
	for name, c := range map[string]struct {
		a, b []Interval
		want Agreement
	}{
		"the same order":     {around(1, 10, 20, 30, 40), around(1, 11, 22, 33, 44), Agreement{Concordant: 6, Tau: 1, Raw: 1}},
		"the opposite order": {around(1, 10, 20, 30, 40), around(1, 40, 30, 20, 10), Agreement{Discordant: 6, Tau: -1, Raw: -1, Opposed: []string{"b before a", "c before a", "d before a", "c before b", "d before b", "d before c"}}},
		"one pair swapped":   {around(1, 10, 20, 30, 40), around(1, 10, 30, 20, 40), Agreement{Concordant: 5, Discordant: 1, Tau: 4.0 / 6, Raw: 4.0 / 6, Opposed: []string{"c before b"}}},
		// Those that cannot be told apart in either run are one rank in both: their order says nothing.
		"tied in both": {around(6, 10, 20, 50, 90), around(6, 20, 10, 50, 90), Agreement{Concordant: 5, TiedA: 1, TiedB: 1, Tau: 1, Raw: 4.0 / 6}},
		// Kendall's tau-b with one tie in one of two orders of four: 5 / √(6 · 5).
		"tied in one": {around(6, 10, 20, 50, 90), around(1, 20, 10, 50, 90), Agreement{Concordant: 5, TiedA: 1, Tau: 5 / math.Sqrt(30), Raw: 4.0 / 6}},
		"all tied":    {around(99, 10, 20, 30, 40), around(1, 10, 20, 30, 40), Agreement{TiedA: 6, Tau: math.NaN(), Raw: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.want.Devices, c.want.Pairs = 4, 6
			got := agreement(names, c.a, c.b)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := agreement(nil, nil, nil); !math.IsNaN(got.Tau) || !math.IsNaN(got.Raw) {
		t.Errorf("nothing to order: %+v", got)
	}
}

// Only devices with a rate in both runs are compared, whatever their place, and not the control.
func TestAgree(t *testing.T) {
	t.Parallel()
	device := func(name string, state State, rate float64) Device {
		i := around(1, rate)[0]
		return Device{Name: name, State: state, Points: []Point{{Size: 64, Normal: &i}}}
	}
	a := &Field{Control: "plain", Devices: []Device{device("plain", Works, 99), device("x", Works, 10), device("y", Works, 20), device("z", Works, 30), device("only in a", Works, 5)}}
	b := &Field{Control: "plain", Devices: []Device{device("z", Overloaded, 1), device("y", Works, 25), device("x", Works, 12), device("plain", Works, 1)}}
	if got := Agree(a, b, 64); got.Devices != 2 || got.Concordant != 1 || got.Tau != 1 {
		t.Errorf("%+v, want x and y, in the same order", got)
	}
	if got := Agree(a, b, 512); got.Devices != 0 {
		t.Errorf("at a size that nobody measured: %+v", got)
	}
}

func TestRanks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   []Interval
		want []int
	}{
		{around(1, 30, 10, 20), []int{1, 3, 2}},
		{around(6, 90, 50, 20, 10), []int{1, 2, 3, 3}}, // the last two overlap
		{around(6, 30, 20, 10), []int{1, 1, 2}},        // each overlaps with its neighbour: only the last is below one
		{nil, nil},
	} {
		if diff := cmp.Diff(c.want, Ranks(c.of)); diff != "" {
			t.Errorf("%v: %s", c.of, diff)
		}
	}
}
