package mlrsearch

import (
	"cmp"
	"math"
	"time"
)

// candidate is the trial that a selector nominates.
type candidate struct {
	step  int
	trial time.Duration
	width int
}

// before orders candidates: the lowest load first, so that no later trial at a higher load
// has to be ignored; then the longer trial, then the wider target.
func (c candidate) before(o candidate) bool {
	return cmp.Or(cmp.Compare(c.step, o.step), cmp.Compare(o.trial, c.trial), cmp.Compare(o.width, c.width)) < 0
}

// field is the part of the grid where trials can be valid.
type field struct {
	last    int          // last step of the grid
	offered int          // highest step that the tester can offer, as far as known
	top     int          // highest step to measure; below offered if trials there were not valid
	barred  map[int]bool // steps below top that had no valid trial
}

// selector searches one goal through its targets, the coarsest first. The bounds of one target are
// the likely, unconfirmed bounds of the next.
type selector struct {
	targets []target
	seed    interval
	anchor  interval // where the search for a missing bound began; each miss doubles the stride
}

// precedingTargets come before the goal itself. Each doubles the width and shortens the
// duration sum, down to one initial trial.
const precedingTargets = 2

// targets returns the preceding targets of a goal and the goal itself, the coarsest first.
func (g Goal) targets(on grid) []target {
	preceding := precedingTargets
	if g.Shortest() >= g.Sum {
		preceding = 0
	}
	var chain []target
	for k := preceding; k >= 0; k-- {
		t := g.target()
		t.width = on.width(g.Width) << k
		if k > 0 {
			t.sum = shorten(g.Sum, g.Shortest(), float64(k)/float64(preceding))
			t.trial = min(g.Final, t.sum)
		}
		chain = append(chain, t)
	}
	return chain
}

// shorten interpolates between sum (share 0) and initial (share 1), in equal ratios.
func shorten(sum, initial time.Duration, share float64) time.Duration {
	if share == 1 {
		return initial
	}
	return time.Duration(float64(sum) * math.Pow(float64(initial)/float64(sum), share))
}

// nominate returns the trial that the goal needs next; false when it needs none.
func (s *selector) nominate(r record, f field) (candidate, bool) {
	for {
		t := s.targets[0]
		known := r.interval(t)
		if step, ok := s.pick(known, f); ok {
			return candidate{step, t.trial, t.width}, true
		}
		if len(s.targets) == 1 {
			return candidate{}, false
		}
		s.targets, s.seed = s.targets[1:], known
		s.anchor = interval{noLow, noHigh}
	}
}

// pick returns the next step for the first target; ok is false if the target is settled.
func (s *selector) pick(known interval, f field) (int, bool) {
	if s.settled(known, f) {
		return 0, false
	}
	if step, ok := s.fromSeed(known, f); ok {
		return f.around(step, known)
	}
	return f.around(s.outwards(known, f), known)
}

// settled reports whether more trials cannot improve the target: its bounds are close enough, or
// the field ends there.
func (s *selector) settled(k interval, f field) bool {
	width := s.targets[0].width
	switch {
	case k.low != noLow && k.high != noHigh:
		return k.high-k.low <= width
	case k.high != noHigh:
		return k.high == 0
	case k.low != noLow && f.top < f.last:
		return f.top-k.low < width
	}
	return k.low == f.top
}

// fromSeed confirms the bounds of the preceding target: first it measures the middle between them,
// which replaces one of them, and then the other bound.
func (s *selector) fromSeed(k interval, f field) (int, bool) {
	width, seed := s.targets[0].width, s.seed
	low := seed.low != noLow && seed.low < f.ceiling(k) && (k.low == noLow || seed.low-k.low >= width)
	high := seed.high < f.ceiling(k) && seed.high > k.low && (k.high == noHigh || k.high-seed.high >= width)
	switch gap := seed.high - seed.low; {
	case low && high && gap > width && gap <= 2*width:
		return seed.low + gap/2, true
	case low:
		return seed.low, true
	case high:
		return seed.high, true
	}
	return 0, false
}

// outwards searches a missing bound with doubling strides. With two bounds it halves the interval.
func (s *selector) outwards(k interval, f field) int {
	width, was := s.targets[0].width, s.anchor
	s.anchor = interval{noLow, noHigh}
	switch {
	case k.low != noLow && (k.high != noHigh || f.top < f.last):
		return k.low + (f.ceiling(k)-k.low)/2
	case k.high != noHigh:
		s.anchor.high = k.high
		if was.high != noHigh {
			s.anchor.high = was.high
		}
		if step := k.high - (s.anchor.high - k.high + width); step >= width {
			return step
		}
		return 0
	case k.low != noLow:
		s.anchor.low = k.low
		if was.low != noLow {
			s.anchor.low = was.low
		}
		if step := k.low + (k.low - s.anchor.low + width); step <= f.top-width {
			return step
		}
	}
	return f.top
}

// ceiling returns the lowest step that need not be measured.
func (f field) ceiling(k interval) int { return min(k.high, f.top+1) }

// around returns step or, if it is barred, the nearest step between the bounds that is not; of two
// the lower one.
func (f field) around(step int, k interval) (int, bool) {
	low, high := k.low, f.ceiling(k)
	for away := 0; step-away > low || step+away < high; away++ {
		if at := step - away; at > low && !f.barred[at] {
			return at, true
		}
		if at := step + away; at < high && !f.barred[at] {
			return at, true
		}
	}
	return 0, false
}
