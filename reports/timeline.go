package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The verdicts a trial can have, whatever the goals of the search were.
var verdicts = []struct {
	name string
	look look
	fits func(*rfc2544.Observation) bool
}{
	{"not valid", look{colour: inkMuted, mark: cross{}}, func(o *rfc2544.Observation) bool { return !o.Valid }},
	{"no loss", look{colour: inkData[0], mark: draw.CircleGlyph{}}, func(o *rfc2544.Observation) bool { return o.LossRatio() == 0 }},
	{"loss up to 0.5" + show.Nbsp + "%", look{colour: inkData[4], mark: draw.BoxGlyph{}}, func(o *rfc2544.Observation) bool { return o.LossRatio() <= 0.005 }},
	{"more loss", look{colour: inkData[1], mark: draw.PyramidGlyph{}}, func(*rfc2544.Observation) bool { return true }},
}

func verdictOf(o *rfc2544.Observation) int {
	for i, v := range verdicts {
		if v.fits(o) {
			return i
		}
	}
	return len(verdicts) - 1
}

// load is the intended load in frames per second; for a flood what was offered.
func load(o *rfc2544.Observation) float64 {
	if !o.IntendedLoad.IsFlood() {
		return float64(o.IntendedLoad)
	}
	if o.Duration <= 0 {
		return math.NaN()
	}
	return float64(o.Offered) / o.Duration.Seconds()
}

// timeline shows how a search found its answer: the load of each trial in the
// order they ran, marked by what came of it. Fewer than two trials are no search.
func timeline(id string, res *result.Result, rate *rfc2544.Value) (chart, bool) {
	if len(res.Trials) < 2 {
		return chart{}, false
	}
	c := chart{
		id: id, title: "Search", height: 170,
		caption: "Load of each trial, in frames per second, in the order they ran. The table of trials below holds the numbers.",
	}
	used := make([]bool, len(verdicts))
	highest := 0.0
	for i := range res.Trials {
		used[verdictOf(&res.Trials[i])] = true
		if v := load(&res.Trials[i]); v > highest {
			highest = v
		}
	}
	for i, v := range verdicts {
		if used[i] {
			c.legend = append(c.legend, legendItem{look: v.look, name: v.name})
		}
	}
	if rate != nil {
		c.legend = append(c.legend, legendItem{look: look{colour: inkText, dashes: dashes[1]}, name: "found: " + show.Kilo(rate.Value) + show.Nbsp + "kfps", line: true})
	}
	c.draw = func() *plot.Plot {
		p := newPlot("trial")
		setLinear(&p.Y, highest, 1.05)
		p.X.Min, p.X.Max = 1, float64(len(res.Trials))
		p.X.Tick.Marker = plot.TickerFunc(wholeTicks)
		p.Add(plotFunc(gridY), foundLine(rate), trialMarks(res))
		return p
	}
	return c, true
}

func foundLine(rate *rfc2544.Value) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		if rate == nil || rate.Value > p.Y.Max {
			return
		}
		y := c.Y(p.Y.Norm(rate.Value))
		c.StrokeLine2(draw.LineStyle{Color: inkText, Width: 1, Dashes: dashes[1]}, c.Min.X, y, c.Max.X, y)
	}
}

func trialMarks(res *result.Result) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for i := range res.Trials {
			o := &res.Trials[i]
			v := load(o)
			if math.IsNaN(v) {
				continue
			}
			at := vg.Point{X: c.X(p.X.Norm(float64(i + 1))), Y: c.Y(p.Y.Norm(v))}
			c.DrawGlyph(verdicts[verdictOf(o)].look.glyph(markSize), at)
		}
	}
}

// wholeTicks labels whole numbers only: trials are counted.
func wholeTicks(lo, hi float64) []plot.Tick {
	step := max(1, math.Ceil((hi-lo)/8/5)*5)
	if hi-lo <= 10 {
		step = 1
	}
	ticks := []plot.Tick{{Value: 1, Label: "1"}}
	for v := step; v <= hi; v += step {
		if v > 1 {
			ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(int(v))})
		}
	}
	return ticks
}
