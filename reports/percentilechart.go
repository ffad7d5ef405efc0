package reports

import (
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// percentiles are the points of a latency distribution that a result has, unless it
// had too few samples for one.
var percentiles = []struct {
	name, label string
	p           float64
}{
	{"latency_min", "min", 0}, {"latency_p50", "50" + show.Nbsp + "%", 0.5}, {"latency_p90", "90" + show.Nbsp + "%", 0.9},
	{"latency_p99", "99" + show.Nbsp + "%", 0.99}, {"latency_p999", "99.9" + show.Nbsp + "%", 0.999},
}

// tail is where a percentile stands on an axis that gives each further nine the same room.
func tail(p float64) float64 { return -math.Log10(1 - p) }

// percentileChart is the distribution of latency at the smallest size. Nothing is interpolated:
// a percentile that had too few samples has no point.
func percentileChart(_ *result.Results, m *matrix, _ int) (chart, bool) {
	c := chart{id: "percentiles", height: 230,
		caption: "Share of the frames that took no longer, each further nine as wide as the one before; microseconds, log scale, at half the found rate. " +
			"Strokes are the least and greatest of the trials. A percentile with too few samples is left out: p99 needs 1000 in a trial, p99.9 10" + show.Thin + "000."}
	if len(m.sizes) == 0 {
		return c, false
	}
	c.title = "Latency by percentile at " + sizeText(m.sizes[0]) + ", µs"
	c.table.head = []string{"µs"}
	for _, q := range percentiles {
		c.table.head = append(c.table.head, q.label)
	}
	var lines []plotFunc
	var all []float64
	for i, l := range looks(m) {
		points := percentilePoints(&m.rows[i].cells[0])
		if !slices.ContainsFunc(points, func(p point) bool { return p.y > 0 }) {
			continue
		}
		name := m.rows[i].label + dagger(m.rows[i].cells[0].valid)
		row := []string{name}
		for _, p := range points {
			all = append(all, p.y)
			row = append(row, show.Digits(p.y, show.Thin))
		}
		c.table.rows = append(c.table.rows, row)
		c.legend = append(c.legend, legendItem{l, name, true})
		lines = append(lines, lineOf(points, l))
	}
	c.draw = func() *plot.Plot {
		p := newPlot("frames")
		p.X.Min, p.X.Max = 0, tail(0.999)+0.1
		ticks := make([]plot.Tick, len(percentiles))
		for i, q := range percentiles {
			ticks[i] = plot.Tick{Value: tail(q.p), Label: q.label}
		}
		p.X.Tick.Marker = plot.ConstantTicks(ticks)
		setLog(&p.Y, all, 1.3)
		p.Add(plotFunc(gridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// percentilePoints are in microseconds; what the cell lacks is not a number.
func percentilePoints(c *cell) []point {
	points := make([]point, len(percentiles))
	for i, q := range percentiles {
		points[i] = point{x: tail(q.p), y: math.NaN(), doubtful: !c.valid}
		v := c.value(q.name)
		ns, ok := nanos(v)
		if !ok {
			continue
		}
		points[i].y = ns / 1e3
		if v.Lower != nil && v.Upper != nil && v.Value > 0 {
			unit := points[i].y / v.Value
			points[i].lo, points[i].hi = *v.Lower*unit, *v.Upper*unit
		}
	}
	return points
}

// Value finds a value of the cell's results.
func (c *cell) value(name string) *rfc2544.Value {
	for _, res := range c.results {
		if v := res.Value(name); v != nil {
			return v
		}
	}
	return nil
}
