package rfc2544

import (
	"cmp"
	"math"
	"slices"
)

// GoalResult is what the trials say about one goal. A nil bound is an answer:
// no load was proved good, or none was proved bad.
type GoalResult struct {
	Goal        Goal  `json:"goal"`
	Lower       *Rate `json:"lower_fps"`                  // relevant lower bound
	Upper       *Rate `json:"upper_fps"`                  // relevant upper bound
	Conditional *Rate `json:"conditional_throughput_fps"` // at the lower bound
	Regular     bool  `json:"regular"`                    // both bounds are there, no farther apart than the goal's width, if it has one
}

// level is a load with the valid trials run at it. Step is its place on the
// search's grid.
type level struct {
	step   int
	load   Rate
	trials []ReplayTrial
}

// record is every level measured, the lowest load first.
type record []level

func (r *record) add(step int, trial ReplayTrial) {
	i, found := slices.BinarySearchFunc(*r, trial.Load, func(l level, load Rate) int { return cmp.Compare(l.load, load) })
	if !found {
		*r = slices.Insert(*r, i, level{step: step, load: trial.Load})
	}
	(*r)[i].trials = append((*r)[i].trials, trial)
}

// bounds are the relevant bounds, as levels: the smallest upper bound and the
// largest lower bound below it. A lower bound above it was luck and is ignored.
func (r record) bounds(t target) (lower, upper *level) {
	for i := range r {
		switch t.class(r[i].trials) {
		case upperBound:
			return lower, &r[i]
		case lowerBound:
			lower = &r[i]
		}
	}
	return lower, nil
}

// interval is a pair of bounds as steps of the grid.
type interval struct{ low, high int }

// What an interval holds where there is no bound.
const (
	noLow  = -1
	noHigh = math.MaxInt
)

func (r record) interval(t target) interval {
	k := interval{noLow, noHigh}
	lower, upper := r.bounds(t)
	if lower != nil {
		k.low = lower.step
	}
	if upper != nil {
		k.high = upper.step
	}
	return k
}

// evaluate is the result of a goal, from the trials alone.
func (r record) evaluate(g Goal) GoalResult {
	result := GoalResult{Goal: g}
	t := g.target()
	lower, upper := r.bounds(t)
	if lower != nil {
		load, conditional := lower.load, t.conditional(lower.load, lower.trials)
		result.Lower, result.Conditional = &load, &conditional
	}
	if upper != nil {
		load := upper.load
		result.Upper = &load
	}
	result.Regular = lower != nil && upper != nil && (g.Width == 0 || relativeWidth(lower.load, upper.load) <= g.Width)
	return result
}

// relativeWidth is the distance of two bounds as a share of the upper one.
func relativeWidth(lower, upper Rate) float64 { return float64((upper - lower) / upper) }
