package reports

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// comparisonChart is the forest plot of a comparison: each ratio with its
// interval, and a line where nothing differs.
func comparisonChart(r *Results, _ *matrix, _ int) (chart, bool) {
	if r.Comparison == nil {
		return chart{}, false
	}
	c := chart{
		id: "comparison", title: "Compared with " + clean(r.Comparison.Devices[0]),
		caption: "Ratio to " + clean(r.Comparison.Devices[0]) + ", log scale: the dot is the estimate, the line its interval. Where the line crosses 1, no difference is shown. " +
			"A filled dot is better, a ring worse, a cross neither.",
		table: grid{head: []string{"", "metric", "ratio", "from", "to", "pairs", "verdict"}},
	}
	var bars []bar
	var ratios []Ratio
	all := []float64{1}
	for _, m := range r.Comparison.Metrics {
		bars, ratios = append(bars, bar{heading: clean(m.Name)}), append(ratios, Ratio{})
		for _, ratio := range m.Ratios {
			bars, ratios = append(bars, bar{name: clean(ratio.Device)}), append(ratios, ratio)
			all = append(all, ratio.Lower, ratio.Upper)
			c.table.rows = append(c.table.rows, []string{clean(ratio.Device), clean(m.Name), threeDigits(ratio.Value), threeDigits(ratio.Lower),
				threeDigits(ratio.Upper), strconv.Itoa(ratio.Pairs), ratio.Verdict})
		}
	}
	c.height = vg.Length(rowHeight*len(bars)) + 40
	c.draw = func() *plot.Plot {
		p := newPlot("ratio")
		setRatio(&p.X, all)
		p.Add(plotFunc(gridX))
		setRows(p, bars)
		p.Add(forest(bars, ratios))
		return p
	}
	return c, len(c.table.rows) > 0
}

func threeDigits(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// setRatio makes a log axis around 1.
func setRatio(a *plot.Axis, values []float64) {
	widest := 1.02
	for _, v := range values {
		widest = max(widest, v, 1/v)
	}
	widest = math.Pow(widest, 1.1)
	a.Min, a.Max = 1/widest, widest
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(func(lo, hi float64) (ticks []plot.Tick) {
		step := math.Log(hi) / 2.5
		for i := -2; i <= 2; i++ {
			v := math.Exp(float64(i) * step)
			ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.3g", v)})
		}
		return ticks
	})
}

// forest draws the intervals, and the line at 1 behind them.
func forest(bars []bar, ratios []Ratio) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		one := c.X(p.X.Norm(1))
		c.StrokeLine2(draw.LineStyle{Color: inkText, Width: thinLine}, one, c.Min.Y, one, c.Max.Y)
		for i, r := range ratios {
			if r.Device == "" {
				continue
			}
			y := c.Y(p.Y.Norm(rowY(bars, i)))
			style := draw.LineStyle{Color: inkText, Width: dataLine}
			c.StrokeLine2(style, c.X(p.X.Norm(r.Lower)), y, c.X(p.X.Norm(r.Upper)), y)
			c.DrawGlyph(draw.GlyphStyle{Color: inkText, Radius: 1.3 * markSize, Shape: verdictGlyph(r.Verdict)}, vg.Point{X: c.X(p.X.Norm(r.Value)), Y: y})
		}
	}
}

func verdictGlyph(verdict string) draw.GlyphDrawer {
	switch verdict {
	case VerdictBetter:
		return draw.CircleGlyph{}
	case VerdictWorse:
		return draw.RingGlyph{}
	}
	return draw.PlusGlyph{}
}

// comparisonView is the page's section of a comparison.
type comparisonView struct {
	Verdicts []string
	Table    *tableView
	Trust    string
}

// compare makes the page one of a comparison, which has no rates of its own.
func (p *page) compare(r *Results) {
	c := r.Comparison
	p.Title, p.Metrics, p.Deviations = "Tunnel comparison", nil, nil
	p.Summary = fmt.Sprintf("Compared %s in %d rounds with frames of %d bytes, in %s.", list(cleanAll(c.Devices)), c.Rounds, int(c.FrameSize),
		r.Ended.Sub(r.Started).Round(time.Second))
	p.Comparison = &comparisonView{
		Verdicts: c.sentences(),
		Table: &tableView{
			Caption: "The median over the rounds, and the ratio to the first device, round by round",
			Head:    []string{"metric", "device", "median", "ratio", "from", "to", "pairs"}, Words: []string{"device"},
		},
		Trust: fmt.Sprintf("In each round every device was brought up anew, in random order. The forwarding rate is at %v offered to each, latency and CPU are at %v. "+
			"A trial that was not valid was repeated up to three times. The intervals hold together with %.3g %% confidence.", c.Overload, c.Light, 100*c.Confidence),
	}
	for _, m := range c.Metrics {
		for k, d := range c.Devices {
			p.Comparison.Table.Rows = append(p.Comparison.Table.Rows, m.cells(k, d))
		}
	}
}

// cells are a device's line in the page's table.
func (m *Metric) cells(k int, device string) []string {
	cells := []string{clean(m.Name) + ", " + clean(m.Unit), clean(device), none, "1", none, none, none}
	if v := median(m.Samples[k]); v != nil {
		cells[2] = fixed(*v, 1, thin)
	}
	if k == 0 {
		return cells
	}
	cells[3] = none
	if r := m.ratio(device); r != nil {
		cells[3], cells[4], cells[5], cells[6] = threeDigits(r.Value), threeDigits(r.Lower), threeDigits(r.Upper), strconv.Itoa(r.Pairs)
	}
	return cells
}
