package charts

import (
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// percentiles lists the percentiles of latency. A result has a percentile only if it had enough
// samples.
var percentiles = []struct {
	name, label string
	p           float64
}{
	{"latency_min", "min", 0}, {"latency_p50", "50" + show.Nbsp + "%", 0.5}, {"latency_p90", "90" + show.Nbsp + "%", 0.9},
	{"latency_p99", "99" + show.Nbsp + "%", 0.99}, {"latency_p999", "99.9" + show.Nbsp + "%", 0.999},
}

// tail returns the position of percentile p on an axis with equal room for each further nine.
func tail(p float64) float64 { return -math.Log10(1 - p) }

// percentileChart shows the latency distribution at the smallest frame size. It does not
// interpolate: a percentile without enough samples has no point.
func percentileChart(_ *result.Results, m *matrix.Matrix, _ int) (figure.Chart, bool) {
	c := figure.Chart{ID: "percentiles", Height: 230,
		Caption: "Share of the frames that took no longer, each further nine as wide as the one before; microseconds, log scale, at half the found rate. " +
			"Strokes are the least and greatest of the trials. A percentile with too few samples is left out: p99 needs 1000 in a trial, p99.9 10" + show.Thin + "000."}
	if len(m.Sizes) == 0 {
		return c, false
	}
	c.Title = "Latency by percentile at " + SizeText(m.Sizes[0]) + ", µs"
	c.Table.Head = []string{"µs"}
	for _, q := range percentiles {
		c.Table.Head = append(c.Table.Head, q.label)
	}
	var lines []figure.PlotFunc
	var all []float64
	for i, l := range looks(m) {
		points := percentilePoints(&m.Rows[i].Cells[0])
		if !slices.ContainsFunc(points, func(p figure.Point) bool { return p.Y > 0 }) {
			continue
		}
		name := m.Rows[i].Label + figure.Dagger(m.Rows[i].Cells[0].Valid)
		row := []string{name}
		for _, p := range points {
			all = append(all, p.Y)
			row = append(row, show.Digits(p.Y, show.Thin))
		}
		c.Table.Rows = append(c.Table.Rows, row)
		c.Legend = append(c.Legend, figure.LegendItem{Look: l, Name: name, Line: true})
		lines = append(lines, figure.LineOf(points, l))
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("frames")
		p.X.Min, p.X.Max = 0, tail(0.999)+0.1
		ticks := make([]plot.Tick, len(percentiles))
		for i, q := range percentiles {
			ticks[i] = plot.Tick{Value: tail(q.p), Label: q.label}
		}
		p.X.Tick.Marker = plot.ConstantTicks(ticks)
		figure.SetLog(&p.Y, all, 1.3)
		p.Add(figure.PlotFunc(figure.GridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// percentilePoints returns the percentiles in microseconds, NaN for missing ones.
func percentilePoints(c *matrix.Cell) []figure.Point {
	points := make([]figure.Point, len(percentiles))
	for i, q := range percentiles {
		points[i] = figure.Point{X: tail(q.p), Y: math.NaN(), Doubtful: !c.Valid}
		v := valueOf(c, q.name)
		ns, ok := matrix.Nanos(v)
		if !ok {
			continue
		}
		points[i].Y = ns / 1e3
		if v.Lower != nil && v.Upper != nil && v.Value > 0 {
			unit := points[i].Y / v.Value
			points[i].Lo, points[i].Hi = *v.Lower*unit, *v.Upper*unit
		}
	}
	return points
}

// valueOf returns a value from the cell's results, or nil.
func valueOf(c *matrix.Cell, name string) *rfc2544.Value {
	for _, res := range c.Results {
		if v := res.Value(name); v != nil {
			return v
		}
	}
	return nil
}
