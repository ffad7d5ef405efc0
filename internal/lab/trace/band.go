package trace

import (
	"cmp"
	"math"
	"slices"
)

// band is the frames between two shares of all of them, in the order of their time from end to end.
type band struct{ from, to float64 }

// The bands around the median and the 99th percentile.
var (
	aroundP50 = band{0.45, 0.55}
	aroundP99 = band{0.985, 0.995}
)

// sortByEnd sorts frames, each as its times at all points of a way, by the last of them.
func sortByEnd(frames [][]int64) {
	slices.SortFunc(frames, func(a, b []int64) int { return cmp.Compare(a[len(a)-1], b[len(b)-1]) })
}

// mean returns the mean time in a hop, in ns, of the frames of the band. The frames are sorted by their end. Means of all hops add
// up to the mean of the band from end to end, which percentiles do not.
func (b band) mean(frames [][]int64, hop int) float64 {
	n := float64(len(frames))
	if n == 0 {
		return 0
	}
	from := int(b.from * n)
	to := max(from+1, int(math.Ceil(b.to*n)))
	sum := int64(0)
	for _, times := range frames[from:to] {
		sum += times[hop+1] - times[hop]
	}
	return float64(sum) / float64(to-from)
}
