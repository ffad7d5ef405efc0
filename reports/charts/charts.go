package charts

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Charts returns the figures of a run that have data. A chart that lists devices has at most
// maxBars rows.
func Charts(r *result.Results, m *matrix.Matrix, maxBars int) []figure.Chart {
	var out []figure.Chart
	for _, make := range []func(*result.Results, *matrix.Matrix, int) (figure.Chart, bool){comparisonChart, rateChart, throughputChart, lossRateChart, latencyChart, percentileChart, cpuChart, lossLoadChart, lossChart, latenessChart} {
		if c, ok := make(r, m, maxBars); ok {
			out = append(out, c)
		}
	}
	return out
}

// rateChart shows frame rate against frame size, with the limits of the tester and of the nominal
// link.
func rateChart(r *result.Results, m *matrix.Matrix, _ int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "rate", Title: "Rate against frame size", Height: 250,
		Caption: "Frames per second, log scale; vertical strokes are the bounds of the search. Higher is better.",
	}
	return againstSizes(c, r, m, func(row *matrix.Row) []figure.Point {
		if row.DUT == result.WireDUT && len(r.Calibration) > 0 {
			return nil // the MOL line shows the wire
		}
		return ratePoints(row)
	})
}

// againstSizes draws a line against frame size for each device that has a point above zero.
func againstSizes(c figure.Chart, r *result.Results, m *matrix.Matrix, pointsOf func(*matrix.Row) []figure.Point) (figure.Chart, bool) {
	c.Table.Head = append(c.Table.Head, "frames/s")
	for _, s := range m.Sizes {
		c.Table.Head = append(c.Table.Head, SizeText(s))
	}
	var all []float64
	var lines []figure.PlotFunc
	doubtful := false
	add := func(name string, points []figure.Point, l figure.Look) {
		cells := []string{name}
		for _, p := range points {
			all = append(all, p.Y)
			cells = append(cells, show.Fixed(p.Y, 0, show.Thin)+figure.Dagger(!p.Doubtful))
			doubtful = doubtful || p.Doubtful
		}
		c.Table.Rows = append(c.Table.Rows, cells)
		c.Legend = append(c.Legend, figure.LegendItem{Look: l, Name: name, Line: true})
		lines = append(lines, figure.LineOf(points, l))
	}
	found := 0
	for i, l := range looks(m) {
		points := pointsOf(&m.Rows[i])
		if slices.ContainsFunc(points, func(p figure.Point) bool { return p.Y > 0 }) {
			add(m.Rows[i].Label, points, l)
			found++
		}
	}
	if found == 0 {
		return figure.Chart{}, false
	}
	limits(r, m, add)
	if doubtful {
		c.Caption += " A ringed mark is of a result that is not valid (†)."
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("frame size, bytes")
		figure.SetSizes(&p.X, m.Sizes)
		figure.SetLog(&p.Y, all, 1.3)
		p.Add(figure.PlotFunc(figure.GridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, true
}

// limits adds the upper limits: the tester's maximum offered load and the nominal link's rate.
func limits(r *result.Results, m *matrix.Matrix, add func(string, []figure.Point, figure.Look)) {
	mol := make([]figure.Point, len(m.Sizes))
	nominal := make([]figure.Point, len(m.Sizes))
	for i, s := range m.Sizes {
		mol[i], nominal[i] = figure.Point{X: float64(s), Y: math.NaN()}, figure.Point{X: float64(s), Y: math.NaN()}
		if k := slices.IndexFunc(r.Calibration, func(c result.Calibration) bool { return c.FrameSize == s }); k >= 0 && r.Calibration[k].MOL != nil {
			mol[i].Y = float64(*r.Calibration[k].MOL)
		}
		if r.Link > 0 {
			nominal[i].Y = float64(r.Link.MaxFrameRate(s))
		}
	}
	if slices.ContainsFunc(mol, func(p figure.Point) bool { return p.Y > 0 }) {
		add("most the tester can offer (MOL)", mol, figure.Look{Colour: figure.InkMuted, Dashes: figure.Dashes[1]})
	}
	if r.Link > 0 {
		add("nominal link, "+show.BitText(r.Link), nominal, figure.Look{Colour: figure.InkMuted, Dashes: figure.Dashes[2]})
	}
}

func ratePoints(r *matrix.Row) []figure.Point {
	points := make([]figure.Point, len(r.Cells))
	for i, c := range r.Cells {
		points[i] = figure.Point{X: float64(c.Size), Y: math.NaN()}
		if c.Rate == nil {
			continue
		}
		points[i].Y, points[i].Doubtful = c.Rate.Value, !c.Valid
		if c.Rate.Lower != nil && c.Rate.Upper != nil {
			points[i].Lo, points[i].Hi = *c.Rate.Lower, *c.Rate.Upper
		}
	}
	return points
}

func latencyChart(_ *result.Results, m *matrix.Matrix, maxBars int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "latency", Title: "Latency at half the found rate",
		Caption: "Microseconds, log scale: the dot is p50, the end of the line p99, over every frame. Lower is better. †: not valid.",
		Table:   figure.Grid{Head: []string{"", "bytes", "p50 µs", "p99 µs", "quiet p50 µs", "quiet p99 µs"}},
	}
	bars := deviceBars(m, maxBars, func(cell *matrix.Cell, b *figure.Bar) bool {
		p50, ok := matrix.Nanos(cell.P50)
		if !ok {
			return false
		}
		p99, _ := matrix.Nanos(cell.P99)
		b.Low, b.High = p50/1e3, p99/1e3
		c.Table.Rows = append(c.Table.Rows, []string{b.Name, strconv.Itoa(int(cell.Size)), matrix.MicroText(cell.P50), matrix.MicroText(cell.P99), matrix.MicroText(cell.QuietP50), matrix.MicroText(cell.QuietP99)})
		return true
	})
	c.Height = vg.Length(figure.RowHeight*len(bars)) + 40
	c.Draw = func() *plot.Plot { return figure.DumbbellPlot("µs", bars) }
	return c, len(bars) > 0
}

// deviceBars lists the devices below each frame size. It skips cells for which fill returns false.
// If there are more than most rows, it first leaves out the middle sizes and keeps the smallest and
// the largest.
func deviceBars(m *matrix.Matrix, most int, fill func(*matrix.Cell, *figure.Bar) bool) []figure.Bar {
	var groups [][]figure.Bar
	all := looks(m)
	for j, s := range m.Sizes {
		group := []figure.Bar{{Heading: SizeText(s)}}
		for i := range m.Rows {
			b := figure.Bar{Name: m.Rows[i].Label, Look: all[i]}
			b.Name += figure.Dagger(m.Rows[i].Cells[j].Valid)
			if fill(&m.Rows[i].Cells[j], &b) {
				group = append(group, b)
			}
		}
		if len(group) > 1 {
			groups = append(groups, group)
		}
	}
	for len(groups) > 1 && len(slices.Concat(groups...)) > most {
		middle := len(groups) / 2
		if len(groups) == 2 {
			middle = 1
		}
		groups = slices.Delete(groups, middle, middle+1)
	}
	bars := slices.Concat(groups...)
	return bars[:min(most, len(bars))]
}

// SizeText formats a frame size with its unit.
func SizeText(s rfc2544.FrameSize) string { return fmt.Sprintf("%d"+show.Nbsp+"bytes", int(s)) }

// looks returns the look of each row. Calibration is grey or black; tunnels have colours.
func looks(m *matrix.Matrix) []figure.Look {
	out := make([]figure.Look, len(m.Rows))
	next := 0
	for i, r := range m.Rows {
		switch {
		case r.DUT == result.WireDUT:
			out[i] = figure.Look{Colour: figure.InkMuted, Mark: draw.CircleGlyph{}, Dashes: figure.Dashes[2]}
		case r.Kind == result.KindCalibration:
			out[i] = figure.Look{Colour: figure.InkText, Mark: draw.BoxGlyph{}}
		default:
			out[i] = figure.Look{
				Colour: figure.InkData[next%len(figure.InkData)],
				Mark:   figure.Marks[next%len(figure.Marks)],
				Dashes: figure.Dashes[next/len(figure.InkData)%len(figure.Dashes)],
			}
			next++
		}
	}
	return out
}
