package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A bound is wrong no more often than its risk, and hardly less often: with n pairs
// the sums of ranks are counted exactly.
func TestPairedBoundsHoldTheirRisk(t *testing.T) {
	t.Parallel()
	const n, times, lowerRisk, upperRisk = 16, 20000, 0.01, 0.05
	rng := rand.New(rand.NewPCG(3, 5))
	below, above := 0, 0
	for range times {
		base, other := make([]*float64, n), make([]*float64, n)
		for i := range n {
			a, b := math.Exp(0.1*rng.NormFloat64()), math.Exp(0.1*rng.NormFloat64())
			base[i], other[i] = &a, &b
		}
		r, ok := PairedBounds(base, other, lowerRisk, upperRisk)
		if !ok || r.Pairs != n || !(r.Lower <= r.Value && r.Value <= r.Upper) {
			t.Fatalf("%+v %v", r, ok)
		}
		if r.Lower > 1 {
			below++
		}
		if r.Upper < 1 {
			above++
		}
	}
	for _, c := range []struct {
		name string
		n    int
		risk float64
	}{{"lower", below, lowerRisk}, {"upper", above, upperRisk}} {
		share, spread := float64(c.n)/times, 4*math.Sqrt(c.risk/times)
		if share > c.risk+spread || share < 0.75*c.risk-spread {
			t.Errorf("the %s bound was wrong in %.4f of %d, its risk is %v", c.name, share, times, c.risk)
		}
	}
}

func TestPairedBoundsNeedEnoughPairs(t *testing.T) {
	t.Parallel()
	one, two := 1.0, 2.0
	var base, other []*float64
	for n := 1; n <= 14; n++ {
		base, other = append(base, &one), append(other, &two)
		r, ok := PairedBounds(base, other, 1e-3, 0.05)
		if want := math.Pow(0.5, float64(n)) <= 1e-3; ok != want || r.Pairs != n {
			t.Errorf("%d pairs: %+v, %v", n, r, ok)
		}
		if ok && (math.Abs(r.Lower-2) > 1e-12 || math.Abs(r.Value-2) > 1e-12 || math.Abs(r.Upper-2) > 1e-12) {
			t.Errorf("%d pairs of ratio 2: %+v", n, r)
		}
	}
	if _, ok := PairedBounds(append(base, nil), append(other, &two), 1e-3, 0.05); !ok {
		t.Error("a round without a sample counts")
	}
}
