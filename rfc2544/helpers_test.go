package rfc2544_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

func device(t testing.TB, spec string) *simulated.Device {
	t.Helper()
	d, err := simulated.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func config(t testing.TB, names ...string) rfc2544.SearchConfig {
	t.Helper()
	cfg := rfc2544.SearchConfig{Size: 64, Min: 9001, Max: 1e6}
	for _, name := range names {
		g, err := mlrsearch.ParseGoal(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Goals = append(cfg.Goals, g)
	}
	return cfg
}

// within reports whether a load is there and right to the hundredth.
func within(got *float64, want float64) bool {
	return got != nil && math.Abs(*got-want) < 0.006
}

// altered is a device with a fault put into its observations.
type altered struct {
	*simulated.Device
	alter func(n int, o *rfc2544.Observation) error
	n     int
}

func (a *altered) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	seen, err := a.Device.Measure(ctx, t)
	a.n++
	if err == nil {
		err = a.alter(a.n, &seen)
	}
	return seen, err
}

// observed is what one trial shows; its counts have to balance.
func observed(t *testing.T, m rfc2544.Measurer, load rfc2544.Rate, d time.Duration) rfc2544.Observation {
	t.Helper()
	seen, err := m.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: d})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Offered != seen.Received+seen.Lost || seen.Drops.Sum() != int64(seen.Lost) {
		t.Errorf("%v for %v: the counts do not balance: %+v", load, d, seen)
	}
	return seen
}
