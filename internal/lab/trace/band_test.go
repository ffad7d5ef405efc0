package trace

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// The hops of the frames around a percentile add up to it, where the hops' own percentiles do not: here a frame is late in one of two hops, but
// never in both.
func TestBandAddsUp(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var frames [][]int64
	var whole, first, second []int64
	for i := range 10_000 {
		a, b := 1_000+random.Int64N(50), 1_000+random.Int64N(50)
		if i%2 == 0 {
			a += 5_000
		} else {
			b += 5_000
		}
		frames = append(frames, []int64{0, a, a + b})
		first, second, whole = append(first, a), append(second, b), append(whole, a+b)
	}
	sortByEnd(frames)
	for _, c := range []struct {
		band band
		want int64
	}{{aroundP50, waterfall.SpreadOf(whole).P50}, {aroundP99, waterfall.SpreadOf(whole).P99}} {
		if got := c.band.mean(frames, 0) + c.band.mean(frames, 1); math.Abs(got/float64(c.want)-1) > 0.01 {
			t.Errorf("%v: the hops add up to %.0f ns, want %d", c.band, got, c.want)
		}
	}
	if sum, p50 := waterfall.SpreadOf(first).P99+waterfall.SpreadOf(second).P99, waterfall.SpreadOf(whole).P99; float64(sum) < 1.5*float64(p50) {
		t.Errorf("the hops' own p99 add up to %d ns, the whole is %d: this test shows nothing", sum, p50)
	}
}

// Few frames have bands too, of at least one frame; none have none.
func TestBandOfFew(t *testing.T) {
	t.Parallel()
	for n := range 30 {
		var frames [][]int64
		for i := range n {
			frames = append(frames, []int64{0, int64(i + 1)})
		}
		for _, b := range []band{aroundP50, aroundP99} {
			if got := b.mean(frames, 0); (n == 0) != (got == 0) || got > float64(n) {
				t.Errorf("%d frames: %v has a mean of %.1f", n, b, got)
			}
		}
	}
}
