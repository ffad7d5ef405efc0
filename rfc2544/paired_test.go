package rfc2544

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestFewestPairs(t *testing.T) {
	for confidence, want := range map[float64]int{0.95: 6, 0.99: 8, 0.5: 2} {
		if got := FewestPairs(confidence); got != want {
			t.Errorf("%v: %d pairs, want %d", confidence, got, want)
		}
	}
}

// The table of Wilcoxon's signed-rank test: the interval leaves out k averages
// at either end.
func TestRankLimit(t *testing.T) {
	for _, c := range []struct {
		n    int
		risk float64
		want int
	}{{6, 0.05, 0}, {7, 0.05, 2}, {8, 0.05, 3}, {10, 0.05, 8}, {12, 0.05, 13}, {10, 0.01, 3}, {20, 0.05, 52}} {
		if got := rankLimit(c.n, c.risk); got != c.want {
			t.Errorf("n %d, risk %v: %d, want %d", c.n, c.risk, got, c.want)
		}
	}
}

func pointers(v []float64) []*float64 {
	out := make([]*float64, len(v))
	for i := range v {
		out[i] = &v[i]
	}
	return out
}

// machine draws two series of n samples that differ by factor, on a machine that is
// slow at times and drifts from round to round; within a round the order is random.
func machine(random *rand.Rand, n int, factor, noise float64) (a, b []*float64) {
	one, two := make([]float64, n), make([]float64, n)
	drift := 0.0
	sample := func() float64 {
		spread := noise
		if random.Float64() < 0.15 {
			spread = 6 * noise
		}
		return math.Exp(drift + spread*random.NormFloat64())
	}
	for i := range one {
		drift = 0.8*drift + 2*noise*random.NormFloat64()
		slope := noise * random.NormFloat64()
		one[i], two[i] = sample(), sample()*factor
		if random.IntN(2) == 0 {
			one[i] *= math.Exp(slope)
		} else {
			two[i] *= math.Exp(slope)
		}
	}
	return pointers(one), pointers(two)
}

// Nothing differs: an interval of 98.3 % (three metrics, 5 % in all) must not
// claim it more often than it says, whatever the noise.
func TestNoDifferenceIsRarelyClaimed(t *testing.T) {
	const runs, confidence = 700, 1 - 0.05/3
	random := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{8, 12} {
		claimed := 0
		for range runs {
			a, b := machine(random, n, 1, 0.04)
			r, ok := ComparePaired(a, b, confidence, 1)
			if !ok {
				t.Fatal("no interval")
			}
			if r.Lower > 1 || r.Upper < 1 {
				claimed++
			}
		}
		if share := float64(claimed) / runs; share > 1-confidence+0.015 {
			t.Errorf("%d pairs: claimed in %.2f %% of runs, allowed %.2f %%", n, 100*share, 100*(1-confidence))
		} else {
			t.Logf("%d pairs: claimed in %.2f %%", n, 100*share)
		}
	}
}

// A difference of 10 % under a noise of 1 % is found, and its size is right.
func TestDifferenceIsFound(t *testing.T) {
	const runs = 100
	random := rand.New(rand.NewPCG(4, 1))
	found := 0
	for range runs {
		a, b := machine(random, 12, 1.1, 0.01)
		r, ok := ComparePaired(a, b, 1-0.05/3, 1)
		if ok && r.Lower > 1 && r.Lower <= r.Value && r.Value <= r.Upper {
			found++
		}
		if math.Abs(r.Value-1.1) > 0.1 {
			t.Errorf("ratio %v, want about 1.1", r.Value)
		}
	}
	if found < runs*98/100 {
		t.Errorf("found in %d of %d runs", found, runs)
	}
}

func TestInvalidSamplesLeaveTheirRoundOut(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	a, b := machine(random, 8, 1, 0.01)
	a[2], b[5] = nil, nil
	if r, ok := ComparePaired(a, b, 0.95, 1); !ok || r.Pairs != 6 {
		t.Errorf("%+v, %v", r, ok)
	}
	if r, ok := ComparePaired(a, b, 0.99, 1); ok || r.Pairs != 6 {
		t.Errorf("an interval from too few: %+v", r)
	}
}

func TestSameSeedSameInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	a, b := machine(random, 10, 1.02, 0.03)
	first, _ := ComparePaired(a, b, 0.95, 7)
	second, _ := ComparePaired(a, b, 0.95, 7)
	if first != second {
		t.Errorf("%+v, then %+v", first, second)
	}
}
