package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// What a change point needs.
const (
	fewestAround  = 5    // values on either side
	changeRisk    = 0.01 // probability of a split in a segment without a change
	shuffles      = 999
	smallestShift = 0.01 // of the logarithm of the medians' ratio; smaller shifts are not reported
)

// ChangePoints are the indices at which a series of values above zero changes its level, in
// order. The method is binary segmentation with a rank-sum statistic (Wilcoxon, standardised): a
// segment is split where the ranks of its two parts differ most, and the split is kept if its
// permutation p-value (999 shuffles) is at most 0.01 and the medians differ by at least 1 %. Then the
// two parts are searched in the same way. Ranks keep a single outlier from counting as a
// change. The same values always give the same result.
func ChangePoints(values []float64) []int {
	gen := rand.New(rand.NewPCG(2544, uint64(len(values))))
	var found []int
	var cut func(from, to int)
	cut = func(from, to int) {
		part := values[from:to]
		ranks := midRanks(part)
		at, most := widestSplit(ranks)
		if at == 0 || !shifted(part[:at], part[at:]) || !rare(ranks, most, gen) {
			return
		}
		cut(from, from+at)
		found = append(found, from+at)
		cut(from+at, to)
	}
	cut(0, len(values))
	return found
}

// midRanks are the values' ranks from 1. Equal values share the mean of their ranks.
func midRanks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return ranks
}

// widestSplit returns where the ranks of the two parts differ most, and by how many standard
// deviations. It returns 0 where there is no room for two parts.
func widestSplit(ranks []float64) (at int, most float64) {
	n := float64(len(ranks))
	sum := 0.0
	for i, r := range ranks {
		sum += r
		k := float64(i + 1)
		if i+1 < fewestAround || len(ranks)-i-1 < fewestAround {
			continue
		}
		z := math.Abs(sum-k*(n+1)/2) / math.Sqrt(k*(n-k)*(n+1)/12)
		if z > most {
			at, most = i+1, z
		}
	}
	return at, most
}

// rare reports whether at most changeRisk of all orders of the ranks have a split as wide as most.
func rare(ranks []float64, most float64, gen *rand.Rand) bool {
	shuffled := slices.Clone(ranks)
	as := 1 // the observed order counts
	for range shuffles {
		gen.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if _, z := widestSplit(shuffled); z >= most {
			as++
		}
		if float64(as) > changeRisk*(shuffles+1) {
			return false
		}
	}
	return true
}

// shifted reports whether the medians of a and b differ by at least smallestShift.
func shifted(a, b []float64) bool {
	return math.Abs(math.Log(Median(b)/Median(a))) >= smallestShift
}
