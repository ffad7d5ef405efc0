package reports

import (
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

const (
	fuzzLines  = 8   // the most in a chart; with more there is a table alone
	fuzzPoints = 200 // the most that a line is drawn of
	fuzzSteps  = 8   // the moments that a chart marks and its table lists
)

// growth is what a chart of a campaign shows over time.
type growth struct {
	id, title, caption string
	of                 func(report.Sample) uint64
}

var growths = []growth{
	{"coverage", "Coverage over time", "Counted as the engine does: inputs that reach something new, or edges of the code.",
		func(s report.Sample) uint64 { return s.Coverage }},
	{"executions", "Executions over time", "Inputs that a target was given so far.",
		func(s report.Sample) uint64 { return s.Executions }},
}

// fuzzCharts are the figures of a campaign, a line for each target that was
// sampled. Where these are too many, tables stand in place of them.
func fuzzCharts(f *report.Campaign) (drawn []chart, tables []*tableView) {
	sampled := slices.DeleteFunc(slices.Clone(f.Targets), func(t report.Target) bool { return len(t.Samples) == 0 })
	if len(sampled) == 0 {
		return nil, nil
	}
	moments := momentsOf(sampled)
	for _, g := range growths {
		c := g.chart(sampled, moments)
		if len(sampled) <= fuzzLines {
			drawn = append(drawn, c)
			continue
		}
		tables = append(tables, &tableView{Caption: c.title + ". " + g.caption, Head: c.table.head, Rows: c.table.rows})
	}
	return drawn, tables
}

// momentsOf are the times that charts mark: eighths of the longest target's.
func momentsOf(targets []report.Target) []time.Duration {
	var longest time.Duration
	for _, t := range targets {
		longest = max(longest, t.Samples[len(t.Samples)-1].Elapsed)
	}
	moments := make([]time.Duration, fuzzSteps)
	for i := range moments {
		moments[i] = longest / fuzzSteps * time.Duration(i+1) // in this order, so that it cannot overflow
	}
	moments[fuzzSteps-1] = longest
	return slices.Compact(moments)
}

func (g growth) chart(targets []report.Target, moments []time.Duration) chart {
	c := chart{
		id: g.id, title: g.title, height: 250, table: grid{head: []string{"target"}},
		caption: g.caption + " Log scale; the marks are what the table lists.",
	}
	for _, m := range moments {
		c.table.head = append(c.table.head, report.Spent(float64(m)))
	}
	var values []float64
	var lines []plotFunc
	for i := range targets {
		t, l := &targets[i], fuzzLook(i)
		cells := []string{strictjson.Clean(t.Name)}
		marked := g.marks(t, moments, &cells)
		line := g.points(thinned(t.Samples, fuzzPoints))
		for _, p := range slices.Concat(line, marked) {
			values = append(values, p.y)
		}
		bare := l
		bare.mark = nil
		lines = append(lines, lineOf(line, bare), glyphsOf(marked, l))
		c.legend = append(c.legend, legendItem{l, strictjson.Clean(t.Name), true})
		c.table.rows = append(c.table.rows, cells)
	}
	c.draw = func() *plot.Plot {
		p := newPlot("seconds")
		setLinear(&p.X, moments[len(moments)-1].Seconds(), 1.02)
		setLog(&p.Y, values, 1.3)
		p.Add(plotFunc(gridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c
}

// marks are a target's values at the moments, and their cells in the table. A
// target that was done before a moment has none there.
func (g growth) marks(t *report.Target, moments []time.Duration, cells *[]string) (points []point) {
	end := max(t.Elapsed, t.Samples[len(t.Samples)-1].Elapsed)
	slack := moments[len(moments)-1] / (2 * fuzzSteps) // the last sample comes a bit before the end
	for _, at := range moments {
		after, _ := slices.BinarySearchFunc(t.Samples, at, func(s report.Sample, at time.Duration) int {
			if s.Elapsed <= at {
				return -1
			}
			return 1
		})
		if after == 0 || at-slack > end {
			*cells = append(*cells, show.None)
			continue
		}
		seen := t.Samples[after-1]
		*cells = append(*cells, show.Count(g.of(seen)))
		points = append(points, point{x: seen.Elapsed.Seconds(), y: float64(g.of(seen))})
	}
	return points
}

func (g growth) points(samples []report.Sample) []point {
	points := make([]point, len(samples))
	for i, s := range samples {
		points[i] = point{x: s.Elapsed.Seconds(), y: float64(g.of(s))}
	}
	return points
}

// thinned are at most so many samples, evenly chosen, the first and the last among them.
func thinned(samples []report.Sample, most int) []report.Sample {
	if len(samples) <= most {
		return samples
	}
	out := make([]report.Sample, most)
	for i := range out {
		out[i] = samples[i*(len(samples)-1)/(most-1)]
	}
	return out
}

// fuzzLook tells lines apart without colour as well: those that share a mark
// differ in their dashes.
func fuzzLook(i int) look {
	return look{colour: inkData[i%len(inkData)], mark: marks[i%len(marks)], dashes: dashes[i/len(marks)%len(dashes)]}
}

// glyphsOf draws marks alone, those that a log scale can show.
func glyphsOf(points []point, l look) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for _, pt := range points {
			if pt.y > 0 {
				c.DrawGlyph(l.glyph(markSize), vg.Point{X: c.X(p.X.Norm(pt.x)), Y: c.Y(p.Y.Norm(pt.y))})
			}
		}
	}
}
