package charts

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// lossFloor is the position of a trial without loss, since a log scale has no zero.
const lossFloor = 1e-5

// lossTicks labels the loss ratios of the axis.
var lossTicks = plot.ConstantTicks([]plot.Tick{
	{Value: lossFloor, Label: "none"}, {Value: 1e-4, Label: "0.01" + show.Nbsp + "%"}, {Value: 1e-3, Label: "0.1" + show.Nbsp + "%"},
	{Value: 1e-2, Label: "1" + show.Nbsp + "%"}, {Value: 1e-1, Label: "10" + show.Nbsp + "%"}, {Value: 1, Label: "100" + show.Nbsp + "%"},
})

// lossLoadChart shows the loss ratio against the load at the smallest frame size, for all valid
// trials of the searches.
func lossLoadChart(_ *result.Results, m *matrix.Matrix, _ int) (figure.Chart, bool) {
	c := figure.Chart{ID: "loss-load", Height: 230,
		Caption: "Every valid trial of the searches: share of the frames lost, log scale, against the load in frames per second, log scale. Floods stand at what was offered."}
	if len(m.Sizes) == 0 {
		return c, false
	}
	c.Title = "Loss against load at " + SizeText(m.Sizes[0])
	c.Table.Head = []string{"", "load, frames/s", "loss"}
	var lines []figure.PlotFunc
	var loads []float64
	for i, l := range looks(m) {
		points := lossPoints(&m.Rows[i].Cells[0])
		if len(points) < 2 {
			continue
		}
		name := m.Rows[i].Label + figure.Dagger(m.Rows[i].Cells[0].Valid)
		for k := range points {
			loads = append(loads, points[k].X)
			c.Table.Rows = append(c.Table.Rows, []string{name, show.Fixed(points[k].X, 0, show.Thin), show.Percent(points[k].Y)})
			points[k].Y = max(points[k].Y, lossFloor)
		}
		c.Legend = append(c.Legend, figure.LegendItem{Look: l, Name: name})
		lines = append(lines, figure.MarksOf(points, l))
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("load, frames/s")
		figure.SetLog(&p.X, loads, 1.1)
		p.Y.Min, p.Y.Max, p.Y.Scale = lossFloor/1.6, 1.2, plot.LogScale{}
		p.Y.Tick.Marker = lossTicks
		p.Add(figure.PlotFunc(figure.GridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// lossPoints returns the valid trials behind the cell's rate, sorted by load.
func lossPoints(c *matrix.Cell) []figure.Point {
	if c.RateResult == nil || c.RateResult.Test == rfc2544.NameLatency {
		return nil
	}
	var points []figure.Point
	for i := range c.RateResult.Trials {
		o := &c.RateResult.Trials[i]
		if x := load(o); o.Valid && x > 0 && !math.IsInf(x, 0) {
			points = append(points, figure.Point{X: x, Y: o.LossRatio()})
		}
	}
	slices.SortStableFunc(points, func(a, b figure.Point) int { return cmp.Compare(a.X, b.X) })
	return points
}
