package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFewestPairs(t *testing.T) {
	t.Parallel()
	got := []int{FewestPairs(0.5), FewestPairs(0.95), FewestPairs(0.99)}
	if diff := cmp.Diff([]int{2, 6, 8}, got); diff != "" {
		t.Errorf("pairs for 50, 95 and 99 %% (-want +got):\n%s", diff)
	}
}

// The table of Wilcoxon's signed-rank test: the interval leaves out k averages
// at either end.
func TestRankLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n    int
		risk float64
		want int
	}{{6, 0.05, 0}, {7, 0.05, 2}, {8, 0.05, 3}, {10, 0.05, 8}, {12, 0.05, 13}, {10, 0.01, 3}, {20, 0.05, 52}} {
		t.Run(fmt.Sprintf("%d values, risk %v", c.n, c.risk), func(t *testing.T) {
			t.Parallel()
			if got := rankLimit(c.n, c.risk); got != c.want {
				t.Errorf("limit %d, want %d", got, c.want)
			}
		})
	}
}

func pointers(v []float64) []*float64 {
	out := make([]*float64, len(v))
	for i := range v {
		out[i] = &v[i]
	}
	return out
}

// machine draws a series of n samples for each factor, on a machine that is slow at
// times, drifts from round to round, and within a round, where the order is random.
func machine(random *rand.Rand, n int, noise float64, factors ...float64) (series [][]*float64) {
	for range factors {
		series = append(series, pointers(make([]float64, n)))
	}
	drift := 0.0
	for i := range n {
		drift = 0.8*drift + 2*noise*random.NormFloat64()
		slope := noise * random.NormFloat64()
		for position, k := range random.Perm(len(factors)) {
			spread := noise
			if random.Float64() < 0.15 {
				spread = 6 * noise
			}
			*series[k][i] = factors[k] * math.Exp(drift+slope*float64(position)+spread*random.NormFloat64())
		}
	}
	return series
}

// All intervals of a comparison together, three metrics of two devices with one
// base, claim a difference where there is none in at most 5 % of comparisons,
// whatever the noise. What ComparePaired gives is wider still.
func TestFamilyKeepsItsRisk(t *testing.T) {
	t.Parallel()
	const runs, metrics, others, risk = 10000, 3, 2, 0.05
	const confidence = 1 - risk/(metrics*others)
	var averages []float64
	for _, rounds := range []int{8, 12, 20} {
		random := rand.New(rand.NewPCG(3, uint64(rounds)))
		limit := rankLimit(rounds, 1-confidence)
		claimed := 0
		for range runs {
			claims := false
			for range metrics {
				s := machine(random, rounds, 0.04, 1, 1, 1)
				for _, other := range s[1:] {
					averages = walshAverages(LogRatios(s[0], other), averages)
					claims = claims || averages[limit] > 0 || averages[len(averages)-1-limit] < 0
				}
			}
			if claims {
				claimed++
			}
		}
		t.Logf("%d rounds: a difference was claimed in %.2f %% of comparisons", rounds, 100*float64(claimed)/runs)
		if claimed > runs*risk {
			t.Errorf("%d rounds: claimed in %d of %d comparisons, allowed %.0f", rounds, claimed, runs, runs*risk)
		}
	}
}

func TestIntervalHoldsTheExactOne(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 1))
	for range 50 {
		s := machine(random, 10, 0.04, 1, 1.05)
		logs := LogRatios(s[0], s[1])
		lower, upper := signedRank(walshAverages(logs, nil), len(logs), 0.98)
		r, ok := ComparePaired(s[0], s[1], 0.98, 1)
		if !ok || r.Lower > math.Exp(lower) || r.Upper < math.Exp(upper) || r.Value < r.Lower || r.Value > r.Upper {
			t.Fatalf("%+v, %v, the exact one from %v to %v", r, ok, math.Exp(lower), math.Exp(upper))
		}
	}
}

// A difference of 10 % under a noise of 1 % is found, and its size is right.
func TestDifferenceIsFound(t *testing.T) {
	t.Parallel()
	const runs = 100
	random := rand.New(rand.NewPCG(4, 1))
	found := 0
	for range runs {
		s := machine(random, 12, 0.01, 1, 1.1)
		r, ok := ComparePaired(s[0], s[1], 1-0.05/3, 1)
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
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 1))
	s := machine(random, 8, 0.01, 1, 1)
	s[0][2], s[1][5] = nil, nil
	if r, ok := ComparePaired(s[0], s[1], 0.95, 1); !ok || r.Pairs != 6 {
		t.Errorf("%+v, %v", r, ok)
	}
	if r, ok := ComparePaired(s[0], s[1], 0.99, 1); ok || r.Pairs != 6 || math.Abs(r.Value-1) > 0.1 || r.Lower != 0 || r.Upper != 0 {
		t.Errorf("an interval from too few, or no value: %+v", r)
	}
	if r, ok := ComparePaired(s[0], make([]*float64, 8), 0.95, 1); ok || r != (PairedRatio{}) {
		t.Errorf("a ratio of nothing: %+v", r)
	}
}

func TestSameSeedSameInterval(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 1))
	s := machine(random, 10, 0.03, 1, 1.02)
	first, _ := ComparePaired(s[0], s[1], 0.95, 7)
	second, _ := ComparePaired(s[0], s[1], 0.95, 7)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two results from one seed (-first +second):\n%s", diff)
	}
}

// A sample of zero is the worst there is, and keeps the numbers finite; two of them have no ratio.
func TestZeroSamples(t *testing.T) {
	t.Parallel()
	never := math.Inf(1)
	for _, c := range []struct {
		name        string
		base, other float64
		want        []float64
	}{
		{"a device that forwards nothing", 1e6, 0, []float64{math.Log(LeastRatio)}},
		{"a rate, of one", 1, 1e9, []float64{math.Log(1e9)}},
		{"the base forwards nothing", 0, 1e6, []float64{-math.Log(LeastRatio)}},
		{"neither forwards anything", 0, 0, nil},
		{"a frame that comes never", 1e4, never, []float64{-math.Log(LeastRatio)}},
		{"the base's comes never", never, 1e4, []float64{math.Log(LeastRatio)}},
		{"both come never", never, never, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, LogRatios([]*float64{&c.base}, []*float64{&c.other}), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Error(diff)
			}
		})
	}
	base, other := pointers(make([]float64, 16)), pointers(make([]float64, 16))
	for i := range base {
		*base[i] = 1e6
	}
	if r, ok := PairedBounds(base, other, 0.01, 0.01); !ok || math.Abs(r.Upper/LeastRatio-1) > 1e-9 || math.Abs(r.Lower/LeastRatio-1) > 1e-9 {
		t.Errorf("%+v, %v", r, ok)
	}
}

func TestSignRisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		heads, tails int
		want         float64
	}{{0, 0, 1}, {0, 5, 1}, {1, 0, 0.5}, {2, 0, 0.25}, {3, 1, 5.0 / 16}, {10, 0, 1.0 / 1024}, {8, 2, 56.0 / 1024}, {1024, 0, 0}} {
		if got := SignRisk(c.heads, c.tails); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d heads, %d tails: %v, want %v", c.heads, c.tails, got, c.want)
		}
	}
}
