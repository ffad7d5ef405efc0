package main

import (
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// moment has what each control and each device showed at about the same time.
type moment map[string]float64

// logs returns the natural logarithms of one control or device in all moments.
func logs(moments []moment, name string) (out []float64) {
	for _, m := range moments {
		out = append(out, math.Log(m[name]))
	}
	return out
}

// unexplained returns the standard deviation of what the least-squares line of y on x leaves of y.
// Each value is judged by a line through values that it had no part in: those at even places by the
// line through the odd ones, and the other way round.
func unexplained(x, y []float64) float64 {
	var residuals []float64
	for parity := range 2 {
		judgedX, fittedX := halves(x, parity)
		judgedY, fittedY := halves(y, parity)
		slope, offset := leastSquares(fittedX, fittedY)
		for i := range judgedX {
			residuals = append(residuals, judgedY[i]-offset-slope*judgedX[i])
		}
	}
	return rootMeanSquare(residuals)
}

// halves divides values into those at places of a parity, 0 or 1, and the others.
func halves(values []float64, parity int) (these, others []float64) {
	for i, v := range values {
		if i%2 == parity {
			these = append(these, v)
		} else {
			others = append(others, v)
		}
	}
	return these, others
}

// leastSquares returns the line of y on x. The slope is 0 if x does not move.
func leastSquares(x, y []float64) (slope, offset float64) {
	mx, my := stats.Mean(x), stats.Mean(y)
	var xx, xy float64
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		xy += (x[i] - mx) * (y[i] - my)
	}
	if xx > 0 {
		slope = xy / xx
	}
	return slope, my - slope*mx
}

func rootMeanSquare(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x / float64(len(v))
	}
	return math.Sqrt(sum)
}

// reach is the 10th, 50th and 90th percentile of a control or device.
func reach(moments []moment, name string) (low, middle, high float64) {
	var sorted []float64
	for _, m := range moments {
		sorted = append(sorted, m[name])
	}
	slices.Sort(sorted)
	return stats.Percentile(sorted, 0.1), stats.Percentile(sorted, 0.5), stats.Percentile(sorted, 0.9)
}
