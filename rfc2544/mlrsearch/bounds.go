package mlrsearch

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// GoalResult is the result for one goal. A nil bound is a result too: no load met the goal, or none
// missed it. In JSON the unit of loads is frames per second; the arithmetic is the same for any
// unit.
type GoalResult struct {
	Goal        Goal     `json:"goal"`
	Lower       *float64 `json:"lower_fps"`                  // relevant lower bound
	Upper       *float64 `json:"upper_fps"`                  // relevant upper bound
	Conditional *float64 `json:"conditional_throughput_fps"` // at the lower bound
	Regular     bool     `json:"regular"`                    // both bounds exist and are within the goal's width, if it has one
	// Held is true if there is a lower bound only, and loads above it that the equipment may be able to
	// offer got no valid trial: the limit of the system under test and of the equipment are both unknown.
	Held bool `json:"held,omitempty"`
}

// level is a load with its valid trials. step is its position on the grid.
type level struct {
	step   int
	load   float64
	trials []Trial
}

// record holds all measured levels, sorted by load.
type record []level

// add adds a trial to the level of its load.
func (r *record) add(step int, trial Trial) {
	i, found := slices.BinarySearchFunc(*r, trial.Load, func(l level, load float64) int { return cmp.Compare(l.load, load) })
	if !found {
		*r = slices.Insert(*r, i, level{step: step, load: trial.Load})
	}
	(*r)[i].trials = append((*r)[i].trials, trial)
}

// bounds returns the relevant bounds (RFC 9971 section 4.8): the smallest upper bound, and the
// largest lower bound below it. Lower bounds above it are ignored.
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

// interval is a lower and an upper bound, as steps of the grid.
type interval struct{ low, high int }

// Values of an interval for a missing bound.
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

// evaluate returns the result of a goal for the trials in the record.
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

// relativeWidth returns (upper-lower)/upper.
func relativeWidth(lower, upper float64) float64 { return (upper - lower) / upper }

// String is the result on one line, with loads in frames per second.
func (r GoalResult) String() string {
	kind := "irregular"
	if r.Regular {
		kind = "regular"
	}
	return fmt.Sprintf("%s: lower %s, upper %s, conditional throughput %s, %s", r.Goal.Name, fps(r.Lower), fps(r.Upper), fps(r.Conditional), kind)
}

func fps(load *float64) string {
	if load == nil {
		return "none"
	}
	return fmt.Sprintf("%.2f fps", *load)
}
