package stats

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"none", nil, 0},
		{"one", []float64{3}, 3},
		{"odd number, out of order", []float64{9, 1, 2}, 2},
		{"even number", []float64{4, 1, 3, 2}, 2.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.values)
			if diff := cmp.Diff(c.want, Median(c.values)); diff != "" {
				t.Errorf("median (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.values); diff != "" {
				t.Errorf("the values changed (-before +after):\n%s", diff)
			}
		})
	}
	if got := Median([]time.Duration{2, 5}); got != 3.5 {
		t.Errorf("median of 2ns and 5ns: %v ns, want 3.5", got)
	}
}

func TestMedianValid(t *testing.T) {
	t.Parallel()
	one, three := 1.0, 3.0
	if got := MedianValid([]*float64{nil, nil}); got != nil {
		t.Errorf("median of no valid sample: %v, want nil", *got)
	}
	want := 2.0
	if diff := cmp.Diff(&want, MedianValid([]*float64{&three, nil, &one})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMeanAndDeviation(t *testing.T) {
	t.Parallel()
	values := []float64{2, 4, 4, 4, 5, 5, 7, 9}
	if diff := cmp.Diff([]float64{5, 2, 0, 0}, []float64{Mean(values), Deviation(values), Mean(nil), Deviation(nil)}); diff != "" {
		t.Errorf("mean, deviation, and those of nothing (-want +got):\n%s", diff)
	}
}

// The sample of RFC 2330 section 11.3, whose EDF is given there: F(-5) = 1/6, F(4) = 1/2, F(7) = 5/6.
func TestPercentile(t *testing.T) {
	t.Parallel()
	values := []int{-2, 7, 7, 4, 18, -5}
	slices.Sort(values)
	for _, c := range []struct {
		name string
		p    float64
		want int
	}{
		{"least", 0, -5}, {"25th", 0.25, -2}, {"50th", 0.5, 4}, {"one sixth is the first", 1.0 / 6, -5},
		{"55th", 0.55, 7}, {"95th", 0.95, 18}, {"greatest", 1, 18},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Percentile(values, c.p); got != c.want {
				t.Errorf("percentile %v of %v: %d, want %d", c.p, values, got, c.want)
			}
		})
	}
}
