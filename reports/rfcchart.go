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

// throughputChart is the graph of RFC 2544 section 26.1: frame rate against frame
// size, the throughput of each device and the maximum rate of the link.
func throughputChart(r *result.Results, m *matrix, _ int) (chart, bool) {
	c := chart{
		id: "throughput", title: "Throughput against frame size (RFC 2544, 26.1)", height: 250,
		caption: "Frames per second and direction, log scale: the highest rate at which no frame was lost, and the maximum rate R of the nominal link. Vertical strokes are the bounds.",
	}
	return c.againstSizes(r, m, func(row *row) []point { return throughputPoints(r, m, row) })
}

func throughputPoints(r *result.Results, m *matrix, row *row) []point {
	points := make([]point, len(m.sizes))
	for i, s := range m.sizes {
		points[i] = point{x: float64(s), y: math.NaN()}
		for k := range r.Results {
			res := &r.Results[k]
			if res.Test != rfc2544.NameThroughput || res.DUT != row.dut || res.Direction != row.direction || res.FrameSize != s || len(res.Values) == 0 {
				continue
			}
			v := &res.Values[0]
			points[i].y, points[i].doubtful = v.Value, !res.Valid
			if v.Lower != nil && v.Upper != nil {
				points[i].lo, points[i].hi = *v.Lower, *v.Upper
			}
		}
	}
	return points
}

// lossRateChart is the graph of RFC 2544 section 26.3: input rate as percent of
// the maximum rate against frame loss in percent, both from 0 to 100.
func lossRateChart(r *result.Results, m *matrix, _ int) (chart, bool) {
	c := chart{
		id: "loss-rate", title: "Frame loss rate (RFC 2544, 26.3)", height: 230,
		caption: "Frames lost in percent of those offered, against the load in percent of the maximum rate R; a line for each device and size. Loads that the tester could not offer are not drawn.",
	}
	c.table.head = []string{"", "bytes", "load, % of R", "loss, %"}
	var lines []plotFunc
	all := looks(m)
	for i := range r.Results {
		res := &r.Results[i]
		at := slices.IndexFunc(m.rows, func(row row) bool { return row.dut == res.DUT && row.direction == res.Direction })
		if res.Test != rfc2544.NameLossRate || at < 0 || !(r.Link > 0) {
			continue
		}
		name := m.rows[at].label + ", " + sizeText(res.FrameSize) + dagger(res.Valid)
		points := ladder(res, float64(r.Link.MaxFrameRate(res.FrameSize)))
		if len(points) == 0 {
			continue
		}
		for _, p := range points {
			c.table.rows = append(c.table.rows, []string{m.rows[at].label, show.Fixed(float64(res.FrameSize), 0, show.Thin), show.Fixed(p.x, 0, show.Thin), show.Digits(p.y, show.Thin)})
		}
		l := all[at]
		l.dashes = dashes[slices.Index(m.sizes, res.FrameSize)%len(dashes)]
		c.legend = append(c.legend, legendItem{l, name, true})
		lines = append(lines, pathOf(points, l))
	}
	c.draw = func() *plot.Plot {
		p := newPlot("load, % of R")
		for _, a := range []*plot.Axis{&p.X, &p.Y} {
			a.Min, a.Max = 0, 100
			a.Tick.Marker = plot.TickerFunc(linearTicks)
		}
		p.Add(plotFunc(gridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// ladder are the valid trials of a loss test, by load.
func ladder(res *result.Result, nominal float64) []point {
	var points []point
	for i := range res.Trials {
		if o := &res.Trials[i]; o.Valid && !o.IntendedLoad.IsFlood() {
			points = append(points, point{x: min(100, float64(o.IntendedLoad)/nominal*100), y: o.LossPercent()})
		}
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	return points
}
