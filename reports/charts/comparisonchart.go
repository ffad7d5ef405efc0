package charts

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// comparisonChart is the forest plot of a comparison: each ratio with its confidence interval, and
// a line at 1 (no difference).
func comparisonChart(r *result.Results, _ *matrix.Matrix, maxBars int) (figure.Chart, bool) {
	if r.Comparison == nil {
		return figure.Chart{}, false
	}
	base := strictjson.Clean(r.Comparison.Devices[0])
	c := figure.Chart{
		ID: "comparison", Title: "Compared with " + base,
		Caption: "Ratio to " + base + ", log scale: the mark is the estimate, the line its interval. Where the line crosses 1, no difference is shown.",
		Legend: []figure.LegendItem{
			{Look: verdictLook(result.VerdictBetter), Name: "better", Line: true},
			{Look: verdictLook(result.VerdictWorse), Name: "worse", Line: true},
			{Look: verdictLook(result.VerdictNone), Name: "no difference shown", Line: true},
		},
		Table: figure.Grid{Head: []string{"", "metric", "ratio", "from", "to", "pairs", "verdict"}},
	}
	var bars []figure.Bar
	var ratios []result.Ratio
	all := []float64{1}
	for _, m := range r.Comparison.Metrics {
		if len(m.Ratios) == 0 {
			continue
		}
		bars, ratios = append(bars, figure.Bar{Heading: strictjson.Clean(m.Name)}), append(ratios, result.Ratio{})
		for _, ratio := range m.Ratios {
			bars, ratios = append(bars, figure.Bar{Name: strictjson.Clean(ratio.Device)}), append(ratios, ratio)
			all = append(all, ratio.Lower, ratio.Upper)
			c.Table.Rows = append(c.Table.Rows, []string{strictjson.Clean(ratio.Device), strictjson.Clean(m.Name), ThreeDigits(ratio.Value), ThreeDigits(ratio.Lower),
				ThreeDigits(ratio.Upper), strconv.Itoa(ratio.Pairs), ratio.Verdict})
		}
	}
	shown := min(maxBars, len(bars)) // the table has all of them
	c.Height = vg.Length(figure.RowHeight*shown) + 40
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("ratio")
		SetRatio(&p.X, all)
		p.Add(figure.PlotFunc(figure.GridX))
		figure.SetRows(p, bars[:shown])
		p.Add(forest(bars[:shown], ratios[:shown]))
		return p
	}
	return c, len(c.Table.Rows) > 0
}

// ThreeDigits formats v with three decimals.
func ThreeDigits(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// widestRatio is the largest ratio that a chart shows; its inverse is the smallest.
const widestRatio = 100

// SetRatio turns axis a into a logarithmic axis, symmetric around 1, that spans the values.
func SetRatio(a *plot.Axis, values []float64) {
	widest := 1.02
	for _, v := range values {
		widest = max(widest, v, 1/v)
	}
	widest = math.Pow(min(widest, widestRatio), 1.1)
	a.Min, a.Max = 1/widest, widest
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(ratioTicks)
}

// ratioTicks labels 1 and ratios at equal distances on both sides.
func ratioTicks(lo, hi float64) []plot.Tick {
	if hi > 3 {
		return figure.LogTicks(lo, hi)
	}
	step := 0.005
	for _, s := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		if 3*s <= hi-1 {
			step = s
		}
	}
	return figure.Ticks(lo, hi, step)
}

// verdictLook returns the look of a ratio by its verdict.
func verdictLook(verdict string) figure.Look {
	switch verdict {
	case result.VerdictBetter:
		return figure.Look{Colour: figure.InkData[2], Mark: draw.CircleGlyph{}}
	case result.VerdictWorse:
		return figure.Look{Colour: figure.InkData[1], Mark: figure.Wedge}
	}
	return figure.Look{Colour: figure.InkMuted, Mark: draw.BoxGlyph{}}
}

// forest draws the intervals in front of the line at 1.
func forest(bars []figure.Bar, ratios []result.Ratio) figure.PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		x := func(v float64) vg.Length { return c.X(p.X.Norm(min(max(v, p.X.Min), p.X.Max))) }
		c.StrokeLine2(draw.LineStyle{Color: figure.InkText, Width: figure.ThinLine}, x(1), c.Min.Y, x(1), c.Max.Y)
		for i, r := range ratios {
			if bars[i].Heading != "" {
				continue
			}
			l, y := verdictLook(r.Verdict), c.Y(p.Y.Norm(figure.RowY(bars, i)))
			c.StrokeLine2(l.Line(figure.DataLine), x(r.Lower), y, x(r.Upper), y)
			for _, end := range []float64{r.Lower, r.Upper} {
				c.StrokeLine2(l.Line(figure.DataLine), x(end), y-3, x(end), y+3)
			}
			c.DrawGlyph(l.Glyph(1.3*figure.MarkSize), vg.Point{X: x(r.Value), Y: y})
		}
	}
}
