package mlrsearch

import (
	"fmt"
	"testing"
)

// Steps rise, a step's load is found again, and every width is nearly filled by whole steps.
func TestGrid(t *testing.T) {
	t.Parallel()
	for _, widths := range [][]float64{{0.005}, {0.02}, {0.005, 0.02}, {0.005, 0.0123, 0.3}, {0.9}} {
		t.Run(fmt.Sprint("widths ", widths), func(t *testing.T) {
			t.Parallel()
			g := newGrid(9001, 1e6, widths)
			for step := range g.last {
				if g.load(step) >= g.load(step+1) {
					t.Fatalf("step %d: %v, then %v", step, g.load(step), g.load(step+1))
				}
			}
			for step := 0; step <= g.last; step++ {
				if got := g.floor(g.load(step)); got != step {
					t.Fatalf("the load of step %d is on step %d", step, got)
				}
			}
			for _, w := range widths {
				n := g.width(w)
				if got := relativeWidth(g.load(g.last-n), g.load(g.last)); got > w || got < 0.98*w {
					t.Errorf("width %v is %v in %d steps", w, got, n)
				}
			}
			if low, high := g.floor(1), g.floor(1e9); low != 0 || high != g.last {
				t.Errorf("loads outside of the grid are on steps %d and %d of %d", low, high, g.last)
			}
		})
	}
}
