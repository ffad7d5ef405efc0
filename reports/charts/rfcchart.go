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

// throughputChart is the graph of RFC 2544 section 26.1: frame rate against frame size, with the
// throughput of each device and the maximum rate of the link.
func throughputChart(r *result.Results, m *matrix.Matrix, _ int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "throughput", Title: "Throughput against frame size (RFC 2544, 26.1)", Height: 250,
		Caption: "Frames per second and direction, log scale: the highest rate at which no frame was lost, and the maximum rate R of the nominal link. Vertical strokes are the bounds.",
	}
	return againstSizes(c, r, m, func(row *matrix.Row) []figure.Point { return throughputPoints(r, m, row) })
}

func throughputPoints(r *result.Results, m *matrix.Matrix, row *matrix.Row) []figure.Point {
	points := make([]figure.Point, len(m.Sizes))
	for i, s := range m.Sizes {
		points[i] = figure.Point{X: float64(s), Y: math.NaN()}
		for k := range r.Results {
			res := &r.Results[k]
			if res.Test != rfc2544.NameThroughput || res.DUT != row.DUT || res.Direction != row.Direction || res.FrameSize != s || len(res.Values) == 0 {
				continue
			}
			v := &res.Values[0]
			points[i].Y, points[i].Doubtful = v.Value, !res.Valid
			if v.Lower != nil && v.Upper != nil {
				points[i].Lo, points[i].Hi = *v.Lower, *v.Upper
			}
		}
	}
	return points
}

// lossRateChart is the graph of RFC 2544 section 26.3: frame loss in percent against input rate in
// percent of the maximum rate, both from 0 to 100.
func lossRateChart(r *result.Results, m *matrix.Matrix, _ int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "loss-rate", Title: "Frame loss rate (RFC 2544, 26.3)", Height: 230,
		Caption: "Frames lost in percent of those offered, against the load in percent of the maximum rate R; a line for each device and size. Loads that the tester could not offer are not drawn.",
	}
	c.Table.Head = []string{"", "bytes", "load, % of R", "loss, %"}
	var lines []figure.PlotFunc
	all := looks(m)
	for i := range r.Results {
		res := &r.Results[i]
		at := slices.IndexFunc(m.Rows, func(row matrix.Row) bool { return row.DUT == res.DUT && row.Direction == res.Direction })
		if res.Test != rfc2544.NameLossRate || at < 0 || !(r.Link > 0) {
			continue
		}
		name := m.Rows[at].Label + ", " + SizeText(res.FrameSize) + figure.Dagger(res.Valid)
		points := ladder(res, float64(r.Link.MaxFrameRate(res.FrameSize)))
		if len(points) == 0 {
			continue
		}
		for _, p := range points {
			c.Table.Rows = append(c.Table.Rows, []string{m.Rows[at].Label, show.Fixed(float64(res.FrameSize), 0, show.Thin), show.Fixed(p.X, 0, show.Thin), show.Digits(p.Y, show.Thin)})
		}
		l := all[at]
		l.Dashes = figure.Dashes[slices.Index(m.Sizes, res.FrameSize)%len(figure.Dashes)]
		c.Legend = append(c.Legend, figure.LegendItem{Look: l, Name: name, Line: true})
		lines = append(lines, figure.PathOf(points, l))
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("load, % of R")
		for _, a := range []*plot.Axis{&p.X, &p.Y} {
			a.Min, a.Max = 0, 100
			a.Tick.Marker = plot.TickerFunc(figure.LinearTicks)
		}
		p.Add(figure.PlotFunc(figure.GridY))
		for _, l := range lines {
			p.Add(l)
		}
		return p
	}
	return c, len(lines) > 0
}

// ladder returns the valid trials of a loss test, sorted by load.
func ladder(res *result.Result, nominal float64) []figure.Point {
	var points []figure.Point
	for i := range res.Trials {
		if o := &res.Trials[i]; o.Valid && !o.IntendedLoad.IsFlood() {
			points = append(points, figure.Point{X: min(100, float64(o.IntendedLoad)/nominal*100), Y: o.LossPercent()})
		}
	}
	slices.SortStableFunc(points, func(a, b figure.Point) int { return cmp.Compare(a.X, b.X) })
	return points
}
