package rfc2544

import (
	"context"
	"math"
	"testing"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

func device(t testing.TB, spec string) *SimulatedDevice {
	t.Helper()
	d, err := ParseDevice(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func config(t testing.TB, names ...string) SearchConfig {
	t.Helper()
	cfg := SearchConfig{Size: 64, Min: 9001, Max: 1e6}
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
