package rfc2544

import (
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// Merge combines the outcomes of a test that was run in several rounds, each on a freshly
// started device. A machine that is slow for a while then affects one round, not the result.
// A value is the median of the valid rounds; its bounds are the lowest and the highest bound
// of any of them, so they show the spread between rounds, too. A single round is
// returned as it is. The outcome is valid when more than half of the rounds are.
func Merge(rounds []Outcome) Outcome {
	if len(rounds) == 1 {
		return rounds[0]
	}
	out := newOutcome("")
	var valid []Outcome
	for _, r := range rounds {
		out.Test = r.Test
		out.Trials = append(out.Trials, r.Trials...)
		out.fallShort(r.Shortfalls)
		for _, w := range r.Warnings {
			if !slices.Contains(out.Warnings, w) {
				out.Warnings = append(out.Warnings, w)
			}
		}
		if r.Valid {
			valid = append(valid, r)
		}
	}
	for _, name := range namesOf(valid) {
		out.Values = append(out.Values, mergeValue(name, valid))
	}
	if 2*len(valid) <= len(rounds) {
		out.fail("%d of %d rounds are valid", len(valid), len(rounds))
	}
	return out
}

// namesOf returns the names of all values, in order of appearance.
func namesOf(rounds []Outcome) (names []string) {
	for _, r := range rounds {
		for _, v := range r.Values {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// mergeValue returns the median of one value. If a bound is missing in one round it is missing in
// the result, since there is no limit in that direction.
func mergeValue(name string, rounds []Outcome) (merged Value) {
	var all []float64
	first, open := true, [2]bool{}
	for _, r := range rounds {
		for _, v := range r.Values {
			if v.Name != name {
				continue
			}
			if first {
				merged, first = v, false
				merged.N = 0
			}
			all = append(all, v.Value)
			merged.N += v.N
			open[0], open[1] = open[0] || v.Lower == nil, open[1] || v.Upper == nil
			merged.Lower, merged.Upper = extreme(merged.Lower, v.Lower, math.Min), extreme(merged.Upper, v.Upper, math.Max)
		}
	}
	if open[0] {
		merged.Lower = nil
	}
	if open[1] {
		merged.Upper = nil
	}
	merged.Value = stats.Median(all)
	return merged
}

func extreme(a, b *float64, of func(a, b float64) float64) *float64 {
	if a == nil || b == nil {
		return b
	}
	v := of(*a, *b)
	return &v
}
