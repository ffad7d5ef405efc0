package mlrsearch

import "math"

// grid holds the loads that a search may use, evenly spaced in the logarithm: step 0 is the
// smallest load, the last step the largest. So loads repeat exactly, and a relative
// width is a whole number of steps.
type grid struct {
	min, max float64
	last     int
	span     float64 // log(max/min)
}

// Whole steps have to cover at least leastFill and at most mostFill of each width.
const (
	leastFill = 0.99
	mostFill  = 0.999999
	finest    = 100 // divisions of the narrowest width, at most
)

func newGrid(minimum, maximum float64, widths []float64) grid {
	g := grid{min: minimum, max: maximum, span: math.Log(maximum / minimum)}
	narrowest := math.Inf(1)
	for _, w := range widths {
		narrowest = math.Min(narrowest, logWidth(w))
	}
	for division := 1; division <= finest; division++ {
		g.last = int(math.Ceil(float64(division) * g.span / (narrowest * mostFill)))
		if g.fills(widths) {
			break
		}
	}
	return g
}

// logWidth converts a relative width to a distance of logarithms.
func logWidth(relative float64) float64 { return -math.Log1p(-relative) }

// fills reports whether whole steps cover every width to between leastFill and mostFill.
func (g grid) fills(widths []float64) bool {
	for _, w := range widths {
		if float64(g.width(w))*g.span/float64(g.last) < leastFill*logWidth(w) {
			return false
		}
	}
	return true
}

// width is the number of steps that fit into a relative width.
func (g grid) width(relative float64) int {
	const rounding = 1e-9
	return max(1, int(logWidth(relative)*mostFill*float64(g.last)/g.span+rounding))
}

// load returns the load of a step.
func (g grid) load(step int) float64 {
	switch step {
	case 0:
		return g.min
	case g.last:
		return g.max
	}
	return g.max * math.Exp(-g.span*float64(g.last-step)/float64(g.last))
}

// floor returns the largest step whose load is at most r; 0 if r is below the grid.
func (g grid) floor(r float64) int {
	if r >= g.max {
		return g.last
	}
	if r <= g.min {
		return 0
	}
	step := g.last + int(math.Floor(math.Log(r/g.max)/g.span*float64(g.last)))
	for step < g.last-1 && g.load(step+1) <= r {
		step++
	}
	for step > 0 && g.load(step) > r {
		step--
	}
	return step
}
