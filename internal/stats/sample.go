package stats

import (
	"cmp"
	"math"

	"github.com/montanaflynn/stats"
)

// Median returns the median; 0 without values. It does not reorder the values.
func Median[T ~int64 | ~float64](values []T) float64 {
	floats := make([]float64, len(values))
	for i, v := range values {
		floats[i] = float64(v)
	}
	return orZero(stats.Median(floats))
}

// MedianValid returns the median of the samples that are not nil; nil if all are.
func MedianValid(samples []*float64) *float64 {
	var valid []float64
	for _, v := range samples {
		if v != nil {
			valid = append(valid, *v)
		}
	}
	if len(valid) == 0 {
		return nil
	}
	median := Median(valid)
	return &median
}

// Mean returns the arithmetic mean; 0 without values.
func Mean(values []float64) float64 { return orZero(stats.Mean(values)) }

// Deviation returns the standard deviation of the values as a whole population (divided by n, not
// n-1); 0 without values.
func Deviation(values []float64) float64 { return orZero(stats.StandardDeviationPopulation(values)) }

// orZero ignores the error: the functions above fail on empty input only.
func orZero(v float64, err error) float64 {
	if err != nil {
		return 0
	}
	return v
}

// Percentile returns the smallest of the sorted values with F(x) >= p, p from 0 to 1 (RFC 2330
// section 11.3). There has to be at least one value.
func Percentile[T cmp.Ordered](sorted []T, p float64) T {
	rank := int(math.Ceil(p*float64(len(sorted)) - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
