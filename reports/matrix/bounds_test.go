package matrix

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The bounds of one search are not shown as how far a repeat may be.
func TestRateBounds(t *testing.T) {
	t.Parallel()
	value := func(v, lower, upper float64, rounds int) *rfc2544.Value {
		return &rfc2544.Value{Value: v, Lower: &lower, Upper: &upper, Rounds: rounds}
	}
	open := value(30e3, 30e3, 0, 1)
	open.Upper = nil
	for _, c := range []struct {
		name       string
		rate, loop *rfc2544.Value
		want       string
	}{
		{"several bring-ups", value(30e3, 20e3, 60e3, 3), nil, "20.0–60.0"},
		{"one search", value(30e3, 29e3, 31e3, 1), nil, "once"},
		{"one search beside a closed loop", value(30e3, 29e3, 31e3, 1), value(100, 50, 150, 0), "~15.0–45.0"},
		{"a file of an earlier version", value(30e3, 29e3, 31e3, 0), nil, "29.0–31.0"},
		{"a lower bound", open, nil, "≥" + show.Thin + "30.0"},
		{"nothing", nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := (&Cell{Rate: c.rate, Loop: c.loop}).RateBounds(show.Kilo); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
