package charts

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/figure"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct{ lo, hi float64 }{{1, 10}, {0.5, 0.6}, {64, 1518}, {1, 1e9}, {3, 3.1}, {1e-3, 1e12}} {
		ticks := figure.LogTicks(c.lo, c.hi)
		if len(ticks) > 16 {
			t.Errorf("%v: %d ticks", c, len(ticks))
		}
		for _, tick := range ticks {
			if tick.Value < c.lo || tick.Value > c.hi || tick.Label == "" {
				t.Errorf("%v: tick %v", c, tick)
			}
		}
	}
	for _, c := range []struct{ lo, hi float64 }{{5e-324, 1.7e308}, {1, 1e300}, {1e18, 1e18 + 256}, {-1e308, 1e308}, {1e-300, 2e-300}} {
		for name, ticks := range map[string][]plot.Tick{"log": figure.LogTicks(c.lo, c.hi), "linear": figure.LinearTicks(c.lo, c.hi), "whole": WholeTicks(c.lo, c.hi), "ratio": ratioTicks(c.lo, c.hi)} {
			if len(ticks) > 50 {
				t.Errorf("%v: %s: %d ticks", c, name, len(ticks))
			}
		}
	}
	for _, hi := range []float64{1, 7, 99, 12345, 1e9} {
		if n := len(figure.LinearTicks(0, hi)); n < 3 || n > 11 {
			t.Errorf("0 to %v: %d ticks", hi, n)
		}
	}
	for _, hi := range []float64{2, 10, 34, 100000} {
		ticks := WholeTicks(1, hi)
		if len(ticks) < 2 || len(ticks) > 11 {
			t.Errorf("1 to %v: %d ticks", hi, len(ticks))
		}
	}
}

// TestLogScaleNeverSeesZero draws lines with all values that a log scale cannot show; gonum's log
// scale panics on them.
func TestLogScaleNeverSeesZero(t *testing.T) {
	points := []figure.Point{{X: 64, Y: 0}, {X: 128, Y: math.NaN()}, {X: 256, Y: 5, Lo: -1, Hi: math.Inf(1)}, {X: 512, Y: -3}, {X: 1518, Y: math.Inf(1)}}
	p := figure.NewPlot("x")
	figure.SetSizes(&p.X, conformance.StandardSizes())
	figure.SetLog(&p.Y, []float64{0, math.NaN(), -1, 5}, 1.3)
	p.Add(figure.PlotFunc(figure.GridY), figure.LineOf(points, figure.Look{Colour: figure.InkText, Mark: figure.Diamond}))
	svg, err := figure.SvgOf(p, 200, "x", "x", "x")
	if err != nil || strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
		t.Errorf("%v: %s", err, svg)
	}
}

func TestRatioTicks(t *testing.T) {
	for _, widest := range []float64{1.02, 1.05, 1.2, 1.5, 2.4, 2.9, 5, 90} {
		ticks := ratioTicks(1/widest, widest)
		one := false
		for _, tick := range ticks {
			one = one || tick.Label == "1"
		}
		if !one || len(ticks) < 3 || len(ticks) > 14 {
			t.Errorf("up to %v: %d ticks, 1 among them: %t", widest, len(ticks), one)
		}
	}
}
