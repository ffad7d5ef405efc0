package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// steady are values of levels one after the other, each for n values, with noise.
func steady(gen *rand.Rand, noise float64, n int, levels ...float64) (values []float64) {
	for _, level := range levels {
		for range n {
			values = append(values, level*math.Exp(noise*gen.NormFloat64()))
		}
	}
	return values
}

// TestChangePointsFindsSteps: within three values of where the level steps, and nowhere else.
func TestChangePointsFindsSteps(t *testing.T) {
	t.Parallel()
	gen := rand.New(rand.NewPCG(1, 1))
	missed, extra := 0, 0
	const times = 100
	for range times {
		got := ChangePoints(steady(gen, 0.01, 20, 1, 1.05, 0.97))
		for _, want := range []int{20, 40} {
			if i := slices.IndexFunc(got, func(at int) bool { return at >= want-3 && at <= want+3 }); i < 0 {
				missed++
			} else {
				got = slices.Delete(got, i, i+1)
			}
		}
		extra += len(got)
	}
	if missed > 2 || extra > 10 {
		t.Errorf("%d of %d steps missed, %d claimed that are none", missed, 2*times, extra)
	}
}

// TestChangePointsIsQuietWithoutOne: at most about one series in a hundred, whatever the noise is like.
func TestChangePointsIsQuietWithoutOne(t *testing.T) {
	t.Parallel()
	gen := rand.New(rand.NewPCG(2, 2))
	claimed := 0
	const times = 400
	for i := range times {
		values := steady(gen, 0.05, 50, 1)
		if i%2 == 0 { // outliers
			for range 5 {
				values[gen.IntN(len(values))] *= 3
			}
		}
		if len(ChangePoints(values)) > 0 {
			claimed++
		}
	}
	if claimed > 12 { // of 4 expected; 13 or more come once in 4,000
		t.Errorf("%d of %d series without a change have one", claimed, times)
	}
}

func TestChangePointsOfLittle(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{nil, {1}, steady(rand.New(rand.NewPCG(3, 3)), 0, 4, 1, 9), slices.Repeat([]float64{2}, 50)} {
		if got := ChangePoints(values); len(got) > 0 {
			t.Errorf("%v: %v", values, got)
		}
	}
	tiny := append(slices.Repeat([]float64{1}, 20), slices.Repeat([]float64{1.005}, 20)...)
	if got := ChangePoints(tiny); len(got) > 0 {
		t.Errorf("half a percent: %v", got)
	}
	step := append(slices.Repeat([]float64{1}, 7), slices.Repeat([]float64{2}, 9)...)
	if got := ChangePoints(step); !slices.Equal(got, []int{7}) {
		t.Errorf("%v", got)
	}
}

func BenchmarkChangePoints(b *testing.B) {
	values := steady(rand.New(rand.NewPCG(4, 4)), 0.02, 250, 1, 1.1, 1, 0.9)
	for b.Loop() {
		ChangePoints(values)
	}
}
