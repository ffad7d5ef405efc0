package reports

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// lossFloor is where a trial without loss is drawn: a log scale has no zero.
const lossFloor = 1e-5

// lossTicks name the loss ratios of the axis.
var lossTicks = plot.ConstantTicks([]plot.Tick{
	{Value: lossFloor, Label: "none"}, {Value: 1e-4, Label: "0.01" + show.Nbsp + "%"}, {Value: 1e-3, Label: "0.1" + show.Nbsp + "%"},
	{Value: 1e-2, Label: "1" + show.Nbsp + "%"}, {Value: 1e-1, Label: "10" + show.Nbsp + "%"}, {Value: 1, Label: "100" + show.Nbsp + "%"},
})

// lossLoadChart shows what share of the frames was lost at which load, at the smallest size: every valid
// trial of the searches.
func lossLoadChart(_ *result.Results, m *matrix, _ int) (chart, bool) {
	c := chart{id: "loss-load", height: 230,
		caption: "Every valid trial of the searches: share of the frames lost, log scale, against the load in frames per second, log scale. Floods stand at what was offered."}
	if len(m.sizes) == 0 {
		return c, false
	}
	c.title = "Loss against load at " + sizeText(m.sizes[0])
	c.table.head = []string{"", "load, frames/s", "loss"}
	var lines []plotFunc
	var loads []float64
	for i, l := range looks(m) {
		points := lossPoints(&m.rows[i].cells[0])
		if len(points) < 2 {
			continue
		}
		name := m.rows[i].label + dagger(m.rows[i].cells[0].valid)
		for k := range points {
			loads = append(loads, points[k].x)
			c.table.rows = append(c.table.rows, []string{name, show.Fixed(points[k].x, 0, show.Thin), show.Percent(points[k].y)})
			points[k].y = max(points[k].y, lossFloor)
		}
		c.legend = append(c.legend, legendItem{look: l, name: name})
		lines = append(lines, marksOf(points, l))
	}
	c.draw = func() *plot.Plot {
		p := newPlot("load, frames/s")
		setLog(&p.X, loads, 1.1)
		p.Y.Min, p.Y.Max, p.Y.Scale = lossFloor/1.6, 1.2, plot.LogScale{}
		p.Y.Tick.Marker = lossTicks
		p.Add(plotFunc(gridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// lossPoints are the valid trials of the cell's rate, by load.
func lossPoints(c *cell) []point {
	if c.rateResult == nil || c.rateResult.Test == rfc2544.NameLatency {
		return nil
	}
	var points []point
	for i := range c.rateResult.Trials {
		o := &c.rateResult.Trials[i]
		if x := load(o); o.Valid && x > 0 && !math.IsInf(x, 0) {
			points = append(points, point{x: x, y: o.LossRatio()})
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	return points
}
