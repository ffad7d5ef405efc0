package reports

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// comparisonChart is the forest plot of a comparison: each ratio with its
// interval, and a line where nothing differs.
func comparisonChart(r *result.Results, _ *matrix, maxBars int) (figure.Chart, bool) {
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
			c.Table.Rows = append(c.Table.Rows, []string{strictjson.Clean(ratio.Device), strictjson.Clean(m.Name), threeDigits(ratio.Value), threeDigits(ratio.Lower),
				threeDigits(ratio.Upper), strconv.Itoa(ratio.Pairs), ratio.Verdict})
		}
	}
	shown := min(maxBars, len(bars)) // the table has them all
	c.Height = vg.Length(figure.RowHeight*shown) + 40
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("ratio")
		setRatio(&p.X, all)
		p.Add(figure.PlotFunc(figure.GridX))
		figure.SetRows(p, bars[:shown])
		p.Add(forest(bars[:shown], ratios[:shown]))
		return p
	}
	return c, len(c.Table.Rows) > 0
}

func threeDigits(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// widestRatio is the largest that a chart shows, and its inverse the smallest.
const widestRatio = 100

// setRatio makes a log axis around 1 that holds the values.
func setRatio(a *plot.Axis, values []float64) {
	widest := 1.02
	for _, v := range values {
		widest = max(widest, v, 1/v)
	}
	widest = math.Pow(min(widest, widestRatio), 1.1)
	a.Min, a.Max = 1/widest, widest
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(ratioTicks)
}

// ratioTicks are at 1 and at even distances on either side.
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
	var ticks []plot.Tick
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: show.Engineering(i * step)})
	}
	return ticks
}

// verdictLook is how a ratio is drawn.
func verdictLook(verdict string) figure.Look {
	switch verdict {
	case result.VerdictBetter:
		return figure.Look{Colour: figure.InkData[2], Mark: draw.CircleGlyph{}}
	case result.VerdictWorse:
		return figure.Look{Colour: figure.InkData[1], Mark: figure.Wedge}
	}
	return figure.Look{Colour: figure.InkMuted, Mark: draw.BoxGlyph{}}
}

// forest draws the intervals, and the line at 1 behind them.
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

// comparisonView is the page's section of a comparison.
type comparisonView struct {
	Verdicts []string
	Table    *tableView
	Trust    string
}

// compare adds the comparison to the page; a page without results of single
// devices is about nothing else.
func (p *page) compare(r *result.Results) {
	c := r.Comparison
	p.Comparison = viewComparison(c)
	if len(r.Results) > 0 {
		return
	}
	p.Title, p.Metrics, p.Deviations, p.RateTitle = "Tunnel comparison", nil, nil, rateTitle("forwarding_rate")
	p.Summary = fmt.Sprintf("Compared %s in %d rounds with frames of %d bytes, in %s.", list(cleanAll(c.Devices)), c.Rounds, int(c.FrameSize),
		r.Ended.Sub(r.Started).Round(time.Second))
}

func viewComparison(c *result.Comparison) *comparisonView {
	v := &comparisonView{
		Verdicts: sentencesOf(c),
		Table: &tableView{
			Caption: "The median over the rounds, and the ratio to the first device, round by round",
			Head:    []string{"metric", "device", "median", "ratio", "from", "to", "pairs", "verdict"}, Words: []string{"device", "verdict"},
		},
		Trust: fmt.Sprintf("In each round every device was brought up anew, in random order. The forwarding rate is at %v offered to each, latency and CPU are at %v. "+
			"A trial that was not valid was repeated up to three times. The intervals hold together with %.3g %% confidence.", c.Overload, c.Light, 100*c.Confidence),
	}
	for i := range c.Metrics {
		for k, d := range c.Devices {
			v.Table.Rows = append(v.Table.Rows, metricCells(&c.Metrics[i], k, d))
		}
	}
	return v
}

// standardCells are a device's line in the page's table.
func metricCells(m *result.Metric, k int, device string) []string {
	cells := []string{strictjson.Clean(m.Name) + ", " + strictjson.Clean(m.Unit), strictjson.Clean(device), show.None, show.None, show.None, show.None, show.None, show.None}
	if v := stats.MedianValid(m.Samples[k]); v != nil {
		cells[2] = show.Fixed(*v, 1, show.Thin)
	}
	if k == 0 {
		cells[3] = "1"
		return cells
	}
	if r := ratioOf(m, device); r != nil {
		copy(cells[3:], []string{threeDigits(r.Value), threeDigits(r.Lower), threeDigits(r.Upper), strconv.Itoa(r.Pairs), verdictWord(r.Verdict)})
	}
	return cells
}

func verdictWord(verdict string) string {
	if verdict == result.VerdictNone {
		return "no difference shown"
	}
	return verdict
}
