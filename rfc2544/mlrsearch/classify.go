package mlrsearch

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// class says whether a load is a bound for a goal (RFC 9971 section 4.8).
type class int

const (
	undecided class = iota // also every load that was never measured
	lowerBound
	upperBound
)

// target is a goal, or a preceding target with a wider width that is searched before it.
type target struct {
	loss   float64
	exceed Ratio
	trial  time.Duration // full-length from here on, and what the search runs
	sum    time.Duration
	width  int // in steps of the search's grid
}

func (g Goal) target() target {
	return target{loss: g.LossRatio, exceed: g.Exceed, trial: g.Final, sum: g.Sum}
}

// full reports whether a trial is full-length, by its intended duration.
func (t target) full(trial Trial) bool { return trial.Duration >= t.trial }

// tally sums the effective durations of a load's trials by kind, in nanoseconds.
type tally struct{ fullLow, fullHigh, shortLow, shortHigh uint64 }

func (t target) tally(trials []Trial) (y tally) {
	for _, trial := range trials {
		sum := &y.shortLow
		switch high := trial.LossRatio > t.loss; {
		case t.full(trial) && high:
			sum = &y.fullHigh
		case t.full(trial):
			sum = &y.fullLow
		case high:
			sum = &y.shortHigh
		}
		*sum = min(*sum+uint64(trial.Effective), math.MaxInt64)
	}
	return y
}

// class returns the classification of RFC 9971 appendix A. The exceed ratio num/den is multiplied
// out, so that ties are exact. Short trials can only make a load an upper bound: short high-loss
// trials count as far as short low-loss trials do not balance them.
func (t target) class(trials []Trial) class {
	y := t.tally(trials)
	num, den := t.exceed.parts()
	rest := den - num
	bad := product(y.fullHigh, rest).plus(product(y.shortHigh, rest).minus(product(y.shortLow, num)))
	good := product(y.fullLow, rest)
	whole := larger(good.plus(bad), product(uint64(t.sum), rest))
	allowed := whole.times(num)
	optimistic := bad.times(den).atMost(allowed)                // if all missing time were low-loss
	pessimistic := whole.minus(good).times(den).atMost(allowed) // if all missing time were high-loss
	switch {
	case optimistic && pessimistic:
		return lowerBound
	case !optimistic && !pessimistic:
		return upperBound
	}
	return undecided
}

// conditional returns the conditional throughput of RFC 9971 appendix B: the forwarding rate of the
// worst trial within the part of the duration sum that the exceed ratio does not excuse. It is 0 if
// there are too few trials.
func (t target) conditional(load float64, trials []Trial) float64 {
	y := t.tally(trials)
	num, den := t.exceed.parts()
	rest := product(max(uint64(t.sum), y.fullLow+y.fullHigh), den-num)
	full := slices.DeleteFunc(slices.Clone(trials), func(trial Trial) bool { return !t.full(trial) })
	slices.SortStableFunc(full, func(a, b Trial) int { return cmp.Compare(a.LossRatio, b.LossRatio) })
	for _, trial := range full {
		took := product(uint64(trial.Effective), den)
		if rest.atMost(took) {
			return load * (1 - trial.LossRatio)
		}
		rest = rest.minus(took)
	}
	return 0
}
