package main

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestUnexplained(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var speed, follower, noisy, unrelated []float64
	for range 2000 {
		s := float64(random.IntN(2)) // the machine is fast or slow
		speed = append(speed, 0.3*s)
		follower = append(follower, 5+0.1*s)
		noisy = append(noisy, 5+0.1*s+0.02*random.NormFloat64())
		unrelated = append(unrelated, random.NormFloat64())
	}
	for name, c := range map[string]struct {
		x, y []float64
		want float64
	}{
		"a line explains all":                      {speed, follower, 0},
		"noise is left":                            {speed, noisy, 0.02},
		"an unrelated control explains nothing":    {unrelated, follower, 0.05},
		"a control that stands explains nothing":   {make([]float64, 2000), follower, 0.05},
		"an exact line with a negative slope, too": {speed, negative(follower), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, unexplained(c.x, c.y), cmpopts.EquateApprox(0, 0.001)); diff != "" {
				t.Errorf("standard deviation of the rest (-want +got):\n%s", diff)
			}
		})
	}
}

func negative(values []float64) (out []float64) {
	for _, v := range values {
		out = append(out, -v)
	}
	return out
}

// A line through two points meets both, but has to be judged by other points.
func TestUnexplainedIsOutOfSample(t *testing.T) {
	t.Parallel()
	x, y := []float64{0, 0, 1, 1}, []float64{0, 1, 1, 0}
	// Even places: (0,0), (1,1); odd places: (0,1), (1,0). Each is 1 away from the other's line.
	if diff := cmp.Diff(1.0, unexplained(x, y), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("standard deviation of the rest (-want +got):\n%s", diff)
	}
}

func TestLeastSquares(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		x, y []float64
		want [2]float64
	}{
		"exact":       {[]float64{1, 2, 3}, []float64{5, 7, 9}, [2]float64{2, 3}},
		"between":     {[]float64{0, 0, 2, 2}, []float64{0, 2, 4, 6}, [2]float64{2, 1}},
		"standing":    {[]float64{4, 4}, []float64{1, 3}, [2]float64{0, 2}},
		"without any": {nil, nil, [2]float64{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slope, offset := leastSquares(c.x, c.y)
			if diff := cmp.Diff(c.want, [2]float64{slope, offset}, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("slope, offset (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	var moments []moment
	for i := range 10 {
		moments = append(moments, moment{"plain": float64(10 - i)})
	}
	low, middle, high := reach(moments, "plain")
	if diff := cmp.Diff([3]float64{1, 5, 9}, [3]float64{low, middle, high}); diff != "" {
		t.Errorf("percentiles (-want +got):\n%s", diff)
	}
}

func TestMomentIsComplete(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    moment
		want bool
	}{
		"all there":     {moment{"plain": 1, "vxlan": 2}, true},
		"one is absent": {moment{"plain": 1, "vxlan": 0}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.m.complete(); got != c.want {
				t.Errorf("complete = %t, want %t", got, c.want)
			}
		})
	}
}

// Each pass has to touch each line of each buffer once, else the work would not be what it says.
func TestTouchTouchesEachLineOnce(t *testing.T) {
	t.Parallel()
	m := newLines()
	m.touch()
	for i, line := range m.memory {
		if line[0] != 1 {
			t.Fatalf("line %d was touched %d times, want once", i, line[0])
		}
	}
	foreseen := 0
	for i := range len(m.order) - 1 {
		if m.order[i+1] == m.order[i]+1 {
			foreseen++
		}
	}
	if most := len(m.order) / 100; foreseen > most {
		t.Errorf("%d lines follow their neighbour, want at most %d: the core would fetch them ahead", foreseen, most)
	}
}
