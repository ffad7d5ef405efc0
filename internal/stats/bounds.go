package stats

import "math"

// PairedBounds compares other with base, round by round, and gives two one-sided bounds: the
// true ratio is below Lower with a probability of at most lowerRisk, and above Upper with a
// probability of at most upperRisk. The bounds come from Wilcoxon's signed-rank test. They
// are exact if the order within each round was random. Value is the Hodges-Lehmann estimate.
// ok is false if there are too few pairs for the smaller of the two risks; then there is no bound. Rounds with a nil
// sample are left out; for samples of zero see LogRatios.
func PairedBounds(base, other []*float64, lowerRisk, upperRisk float64) (r PairedRatio, ok bool) {
	logs := LogRatios(base, other)
	if len(logs) == 0 {
		return r, false
	}
	averages := walshAverages(logs, nil)
	r.Value, r.Pairs = math.Exp(middle(averages)), len(logs)
	if len(logs) < FewestPairs(1-2*min(lowerRisk, upperRisk)) {
		return r, false
	}
	lower, _ := signedRank(averages, len(logs), 1-2*lowerRisk)
	_, upper := signedRank(averages, len(logs), 1-2*upperRisk)
	r.Lower, r.Upper = math.Exp(lower), math.Exp(upper)
	return r, true
}

// SignRisk returns the probability that of heads+tails throws of a fair coin at least heads show heads:
// the sign test's, one-sided.
func SignRisk(heads, tails int) float64 {
	n := heads + tails
	one, sum := math.Pow(0.5, float64(n)), 0.0 // of k heads, from all heads downwards
	for k := n; k >= heads; k-- {
		sum += one
		one *= float64(k) / float64(n-k+1)
	}
	return min(sum, 1)
}
