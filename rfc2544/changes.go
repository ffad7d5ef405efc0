package rfc2544

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// What it takes for a change point.
const (
	fewestAround  = 5    // values on either side of one
	changeRisk    = 0.01 // that a split is claimed in a segment without a change
	shuffles      = 999
	smallestShift = 0.01 // of the medians' ratio: less is of no interest
)

// Changes are the indices at which a series of values above zero begins to be of another level,
// in order. A segment is cut where the ranks of its two parts differ most (Wilcoxon's rank sum,
// standardised), if fewer than one in a hundred shuffles of the segment differ as much anywhere
// and the medians are 1 % apart; then its parts are looked at alike. Ranks, so that a single outlier is no
// change. The same values give the same changes.
func Changes(values []float64) []int {
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

// midRanks are the values' ranks from 1; equal ones share the middle of theirs.
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

// widestSplit is where the parts' ranks differ most, and by how many standard deviations; 0 where
// there is no room for two parts.
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

// rare tells whether hardly any order of the ranks has as wide a split.
func rare(ranks []float64, most float64, gen *rand.Rand) bool {
	shuffled := slices.Clone(ranks)
	as := 1 // the order at hand
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

func shifted(a, b []float64) bool {
	return math.Abs(math.Log(middleOf(b)/middleOf(a))) >= smallestShift
}

// middleOf is the median; the values keep their order.
func middleOf(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return middle(sorted)
}
