package charts

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Verdicts are the possible outcomes of a trial, independent of the search's goals.
var Verdicts = []struct {
	Name string
	look figure.Look
	fits func(*rfc2544.Observation) bool
}{
	{"not valid", figure.Look{Colour: figure.InkMuted, Mark: figure.Cross{}}, func(o *rfc2544.Observation) bool { return !o.Valid }},
	{"no loss", figure.Look{Colour: figure.InkData[0], Mark: draw.CircleGlyph{}}, func(o *rfc2544.Observation) bool { return o.LossRatio() == 0 }},
	{"loss up to 0.5" + show.Nbsp + "%", figure.Look{Colour: figure.InkData[4], Mark: draw.BoxGlyph{}}, func(o *rfc2544.Observation) bool { return o.LossRatio() <= 0.005 }},
	{"more loss", figure.Look{Colour: figure.InkData[1], Mark: draw.PyramidGlyph{}}, func(*rfc2544.Observation) bool { return true }},
}

// VerdictOf returns the index of the first entry of Verdicts that fits the trial.
func VerdictOf(o *rfc2544.Observation) int {
	for i, v := range Verdicts {
		if v.fits(o) {
			return i
		}
	}
	return len(Verdicts) - 1
}

// load returns the intended load in frames per second; for a flood it returns the offered load.
func load(o *rfc2544.Observation) float64 {
	if !o.IntendedLoad.IsFlood() {
		return float64(o.IntendedLoad)
	}
	if o.Duration <= 0 {
		return math.NaN()
	}
	return float64(o.Offered) / o.Duration.Seconds()
}

// Timeline shows how a search reached its result: the load of each trial in order, with a mark for
// its outcome. It needs at least two trials.
func Timeline(id string, res *result.Result, rate *rfc2544.Value) (figure.Chart, bool) {
	if len(res.Trials) < 2 {
		return figure.Chart{}, false
	}
	c := figure.Chart{
		ID: id, Title: "Search", Height: 170,
		Caption: "Load of each trial, in frames per second, in the order they ran. The table of trials below holds the numbers.",
	}
	used := make([]bool, len(Verdicts))
	highest := 0.0
	for i := range res.Trials {
		used[VerdictOf(&res.Trials[i])] = true
		if v := load(&res.Trials[i]); v > highest {
			highest = v
		}
	}
	for i, v := range Verdicts {
		if used[i] {
			c.Legend = append(c.Legend, figure.LegendItem{Look: v.look, Name: v.Name})
		}
	}
	if rate != nil {
		c.Legend = append(c.Legend, figure.LegendItem{Look: figure.Look{Colour: figure.InkText, Dashes: figure.Dashes[1]}, Name: "found: " + show.Kilo(rate.Value) + show.Nbsp + "kfps", Line: true})
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("trial")
		figure.SetLinear(&p.Y, highest, 1.05)
		p.X.Min, p.X.Max = 1, float64(len(res.Trials))
		p.X.Tick.Marker = plot.TickerFunc(WholeTicks)
		p.Add(figure.PlotFunc(figure.GridY), foundLine(rate), trialMarks(res))
		return p
	}
	return c, true
}

func foundLine(rate *rfc2544.Value) figure.PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		if rate == nil || rate.Value > p.Y.Max {
			return
		}
		y := c.Y(p.Y.Norm(rate.Value))
		c.StrokeLine2(draw.LineStyle{Color: figure.InkText, Width: 1, Dashes: figure.Dashes[1]}, c.Min.X, y, c.Max.X, y)
	}
}

func trialMarks(res *result.Result) figure.PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for i := range res.Trials {
			o := &res.Trials[i]
			v := load(o)
			if math.IsNaN(v) {
				continue
			}
			at := vg.Point{X: c.X(p.X.Norm(float64(i + 1))), Y: c.Y(p.Y.Norm(v))}
			c.DrawGlyph(Verdicts[VerdictOf(o)].look.Glyph(figure.MarkSize), at)
		}
	}
}

// WholeTicks labels integers only, since the axis counts trials.
func WholeTicks(lo, hi float64) []plot.Tick {
	step := max(1, math.Ceil((hi-lo)/8/5)*5)
	if hi-lo <= 10 {
		step = 1
	}
	ticks := figure.Ticks(max(2, step), hi, step)
	for i, t := range ticks {
		ticks[i].Label = fmt.Sprint(int(t.Value))
	}
	return append([]plot.Tick{{Value: 1, Label: "1"}}, ticks...)
}

// StallSum returns the total length of a trial's stalls.
func StallSum(o *rfc2544.Observation) (sum time.Duration) {
	for _, s := range o.Stalls {
		sum += s.Length
	}
	return sum
}
