package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// chart is one figure: drawn in the page as SVG and, the main ones, as PNG.
// Its table holds the same numbers as text.
type chart struct {
	id, title, caption string
	legend             []legendItem
	table              grid
	height             vg.Length // in the page; the width is chartWidth
	draw               func() *plot.Plot
}

// legendItem names one look.
type legendItem struct {
	look look
	name string
	line bool // draw a line, not only the mark
}

// grid is a table of text.
type grid struct {
	head []string
	rows [][]string
}

// chartWidth is the width of a chart in the page, in points. Text stays
// readable when the figure shrinks to a telephone's width.
const chartWidth = vg.Length(350)

// charts are the figures of a run; a figure with nothing to show is left out.
// At most maxBars lines stand in a chart that lists devices.
func charts(r *result.Results, m *matrix, maxBars int) []chart {
	var out []chart
	for _, make := range []func(*result.Results, *matrix, int) (chart, bool){comparisonChart, rateChart, throughputChart, lossRateChart, latencyChart, percentileChart, cpuChart, lossLoadChart, lossChart, latenessChart} {
		if c, ok := make(r, m, maxBars); ok {
			out = append(out, c)
		}
	}
	return out
}

// rateChart is the figure of the rates: frame rate against frame size, with what
// the tester and the nominal link could carry.
func rateChart(r *result.Results, m *matrix, _ int) (chart, bool) {
	c := chart{
		id: "rate", title: "Rate against frame size", height: 250,
		caption: "Frames per second, log scale; vertical strokes are the bounds of the search. Higher is better.",
	}
	return c.againstSizes(r, m, func(row *row) []point {
		if row.dut == result.WireDUT && len(r.Calibration) > 0 {
			return nil // the MOL line stands for it
		}
		return ratePoints(row)
	})
}

// againstSizes draws a line for each device whose points are above zero somewhere,
// against the frame size.
func (c chart) againstSizes(r *result.Results, m *matrix, pointsOf func(*row) []point) (chart, bool) {
	c.table.head = append(c.table.head, "frames/s")
	for _, s := range m.sizes {
		c.table.head = append(c.table.head, sizeText(s))
	}
	var all []float64
	var lines []plotFunc
	doubtful := false
	add := func(name string, points []point, l look) {
		cells := []string{name}
		for _, p := range points {
			all = append(all, p.y)
			cells = append(cells, show.Fixed(p.y, 0, show.Thin)+dagger(!p.doubtful))
			doubtful = doubtful || p.doubtful
		}
		c.table.rows = append(c.table.rows, cells)
		c.legend = append(c.legend, legendItem{l, name, true})
		lines = append(lines, lineOf(points, l))
	}
	found := 0
	for i, l := range looks(m) {
		points := pointsOf(&m.rows[i])
		if slices.ContainsFunc(points, func(p point) bool { return p.y > 0 }) {
			add(m.rows[i].label, points, l)
			found++
		}
	}
	if found == 0 {
		return chart{}, false
	}
	limits(r, m, add)
	if doubtful {
		c.caption += " A ringed mark is of a result that is not valid (†)."
	}
	c.draw = func() *plot.Plot {
		p := newPlot("frame size, bytes")
		setSizes(&p.X, m.sizes)
		setLog(&p.Y, all, 1.3)
		p.Add(plotFunc(gridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, true
}

// limits adds the lines no tunnel can pass: the tester's own and the link's.
func limits(r *result.Results, m *matrix, add func(string, []point, look)) {
	mol := make([]point, len(m.sizes))
	nominal := make([]point, len(m.sizes))
	for i, s := range m.sizes {
		mol[i], nominal[i] = point{x: float64(s), y: math.NaN()}, point{x: float64(s), y: math.NaN()}
		if k := slices.IndexFunc(r.Calibration, func(c result.Calibration) bool { return c.FrameSize == s }); k >= 0 && r.Calibration[k].MOL != nil {
			mol[i].y = float64(*r.Calibration[k].MOL)
		}
		if r.Link > 0 {
			nominal[i].y = float64(r.Link.MaxFrameRate(s))
		}
	}
	if slices.ContainsFunc(mol, func(p point) bool { return p.y > 0 }) {
		add("most the tester can offer (MOL)", mol, look{inkMuted, nil, dashes[1]})
	}
	if r.Link > 0 {
		add("nominal link, "+show.BitText(r.Link), nominal, look{inkMuted, nil, dashes[2]})
	}
}

func ratePoints(r *row) []point {
	points := make([]point, len(r.cells))
	for i, c := range r.cells {
		points[i] = point{x: float64(c.size), y: math.NaN()}
		if c.rate == nil {
			continue
		}
		points[i].y, points[i].doubtful = c.rate.Value, !c.valid
		if c.rate.Lower != nil && c.rate.Upper != nil {
			points[i].lo, points[i].hi = *c.rate.Lower, *c.rate.Upper
		}
	}
	return points
}

func latencyChart(_ *result.Results, m *matrix, maxBars int) (chart, bool) {
	c := chart{
		id: "latency", title: "Latency at half the found rate",
		caption: "Microseconds, log scale: the dot is p50, the end of the line p99, over every frame. Lower is better. †: not valid.",
		table:   grid{head: []string{"", "bytes", "p50 µs", "p99 µs", "quiet p50 µs", "quiet p99 µs"}},
	}
	bars := deviceBars(m, maxBars, func(cell *cell, b *bar) bool {
		p50, ok := nanos(cell.p50)
		if !ok {
			return false
		}
		p99, _ := nanos(cell.p99)
		b.low, b.high = p50/1e3, p99/1e3
		c.table.rows = append(c.table.rows, []string{b.name, strconv.Itoa(int(cell.size)), microText(cell.p50), microText(cell.p99), microText(cell.quietP50), microText(cell.quietP99)})
		return true
	})
	c.height = vg.Length(rowHeight*len(bars)) + 40
	c.draw = func() *plot.Plot { return dumbbellPlot("µs", bars) }
	return c, len(bars) > 0
}

// deviceBars lists the devices under each frame size, as far as fill finds
// something to draw. When there are more than most bars, the sizes in the middle
// are left out first: the extremes say most.
func deviceBars(m *matrix, most int, fill func(*cell, *bar) bool) []bar {
	var groups [][]bar
	all := looks(m)
	for j, s := range m.sizes {
		group := []bar{{heading: sizeText(s)}}
		for i := range m.rows {
			b := bar{name: m.rows[i].label, look: all[i]}
			b.name += dagger(m.rows[i].cells[j].valid)
			if fill(&m.rows[i].cells[j], &b) {
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

// dagger marks a name or number of a result that is not valid.
func dagger(valid bool) string {
	if valid {
		return ""
	}
	return show.Thin + "†"
}

func sizeText(s rfc2544.FrameSize) string { return fmt.Sprintf("%d"+show.Nbsp+"bytes", int(s)) }
