package stats

import (
	"cmp"
	"math"

	"github.com/montanaflynn/stats"
)

// Median is the middle of the values, which keep their order; 0 of none.
func Median[T ~int64 | ~float64](values []T) float64 {
	floats := make([]float64, len(values))
	for i, v := range values {
		floats[i] = float64(v)
	}
	return orZero(stats.Median(floats))
}

// MedianValid is the median of the samples that are not nil; nil when all are.
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

// Mean is the arithmetic mean; 0 of no values.
func Mean(values []float64) float64 { return orZero(stats.Mean(values)) }

// Deviation is the standard deviation of the values as the whole population
// (divided by n, not n-1); 0 of no values.
func Deviation(values []float64) float64 { return orZero(stats.StandardDeviationPopulation(values)) }

// orZero is v: the functions above fail on empty input only.
func orZero(v float64, err error) float64 {
	if err != nil {
		return 0
	}
	return v
}

// Percentile is the smallest of the sorted values with F(x) >= p, p from 0 to 1
// (RFC 2330 section 11.3). There is at least one value.
func Percentile[T cmp.Ordered](sorted []T, p float64) T {
	rank := int(math.Ceil(p*float64(len(sorted)) - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
