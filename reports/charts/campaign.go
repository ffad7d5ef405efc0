package charts

import (
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

const (
	fuzzLines  = 8   // most lines in a chart; above this only the table is shown
	fuzzPoints = 200 // most points in a line
	fuzzSteps  = 8   // times that a chart marks and its table lists
)

// growth describes a chart of one campaign counter over time.
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

// OfCampaign returns the charts of a campaign, with a line for each sampled target. If there are
// too many lines, a chart is returned in listed, and the page shows only its table.
func OfCampaign(f *report.Campaign) (drawn, listed []figure.Chart) {
	sampled := slices.DeleteFunc(slices.Clone(f.Targets), func(t report.Target) bool { return len(t.Samples) == 0 })
	if len(sampled) == 0 {
		return nil, nil
	}
	moments := momentsOf(sampled)
	for _, g := range growths {
		c := g.chart(sampled, moments)
		if len(sampled) <= fuzzLines {
			c.Caption += " Log scale; the marks are what the table lists."
			drawn = append(drawn, c)
			continue
		}
		listed = append(listed, c)
	}
	return drawn, listed
}

// momentsOf returns the times that the charts mark: eighths of the longest target's duration.
func momentsOf(targets []report.Target) []time.Duration {
	var longest time.Duration
	for _, t := range targets {
		longest = max(longest, t.Samples[len(t.Samples)-1].Elapsed)
	}
	moments := make([]time.Duration, fuzzSteps)
	for i := range moments {
		moments[i] = longest / fuzzSteps * time.Duration(i+1) // divide first to avoid an overflow
	}
	moments[fuzzSteps-1] = longest
	return slices.Compact(moments)
}

func (g growth) chart(targets []report.Target, moments []time.Duration) figure.Chart {
	c := figure.Chart{
		ID: g.id, Title: g.title, Height: 250, Table: figure.Grid{Head: []string{"target"}},
		Caption: g.caption,
	}
	for _, m := range moments {
		c.Table.Head = append(c.Table.Head, report.Spent(float64(m)))
	}
	var values []float64
	var lines []figure.PlotFunc
	for i := range targets {
		t, l := &targets[i], fuzzLook(i)
		cells := []string{strictjson.Clean(t.Name)}
		marked := g.marks(t, moments, &cells)
		line := g.points(thinned(t.Samples, fuzzPoints))
		for _, p := range slices.Concat(line, marked) {
			values = append(values, p.Y)
		}
		bare := l
		bare.Mark = nil
		lines = append(lines, figure.LineOf(line, bare), glyphsOf(marked, l))
		c.Legend = append(c.Legend, figure.LegendItem{Look: l, Name: strictjson.Clean(t.Name), Line: true})
		c.Table.Rows = append(c.Table.Rows, cells)
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("seconds")
		figure.SetLinear(&p.X, moments[len(moments)-1].Seconds(), 1.02)
		figure.SetLog(&p.Y, values, 1.3)
		p.Add(figure.PlotFunc(figure.GridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c
}

// marks returns a target's values at the given times and appends them to its table row. A target
// that ended earlier has no value.
func (g growth) marks(t *report.Target, moments []time.Duration, cells *[]string) (points []figure.Point) {
	end := max(t.Elapsed, t.Samples[len(t.Samples)-1].Elapsed)
	slack := moments[len(moments)-1] / (2 * fuzzSteps) // the last sample is taken shortly before the end
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
		points = append(points, figure.Point{X: seen.Elapsed.Seconds(), Y: float64(g.of(seen))})
	}
	return points
}

func (g growth) points(samples []report.Sample) []figure.Point {
	points := make([]figure.Point, len(samples))
	for i, s := range samples {
		points[i] = figure.Point{X: s.Elapsed.Seconds(), Y: float64(g.of(s))}
	}
	return points
}

// thinned returns at most most samples, evenly spaced, with the first and the last.
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

// fuzzLook returns the look of line i. Lines with the same mark have different dashes, so no line
// depends on colour alone.
func fuzzLook(i int) figure.Look {
	return figure.Look{Colour: figure.InkData[i%len(figure.InkData)], Mark: figure.Marks[i%len(figure.Marks)], Dashes: figure.Dashes[i/len(figure.Marks)%len(figure.Dashes)]}
}

// glyphsOf draws a mark at each point and no line between them. It leaves out points that a log
// scale cannot show.
func glyphsOf(points []figure.Point, l figure.Look) figure.PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for _, pt := range points {
			if pt.Y > 0 {
				c.DrawGlyph(l.Glyph(figure.MarkSize), vg.Point{X: c.X(p.X.Norm(pt.X)), Y: c.Y(p.Y.Norm(pt.Y))})
			}
		}
	}
}
