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
// returned as it is. The outcome is valid when more than half of the rounds are; without a valid one
// it has the values of those that were held.
func Merge(rounds []Outcome) Outcome {
	if len(rounds) == 1 {
		return rounds[0]
	}
	out := newOutcome("")
	var valid, held []Outcome
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
		if r.Held {
			held = append(held, r)
		}
	}
	from := valid
	if out.Held = len(valid) == 0 && len(held) > 0; out.Held {
		from = held
	}
	for _, name := range namesOf(from) {
		out.Values = append(out.Values, mergeValue(name, from))
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
func mergeValue(name string, rounds []Outcome) Value {
	var same []Value
	for _, r := range rounds {
		for _, v := range r.Values {
			if v.Name == name {
				same = append(same, v)
			}
		}
	}
	merged, all := same[0], []float64{same[0].Value}
	for _, v := range same[1:] {
		all = append(all, v.Value)
		merged.N += v.N
		merged.Lower, merged.Upper = extreme(merged.Lower, v.Lower, math.Min), extreme(merged.Upper, v.Upper, math.Max)
	}
	merged.Value = stats.Median(all)
	return merged
}

func extreme(a, b *float64, of func(a, b float64) float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	v := of(*a, *b)
	return &v
}
