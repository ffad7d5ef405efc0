package figure

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// Bar is one row of a chart that lists devices: a heading, or a device with its data.
type Bar struct {
	Heading string
	Name    string
	Look    Look
	Low     float64   // first value, such as p50
	High    float64   // second value, such as p99, or the length of the bar
	Parts   []float64 // parts of a stacked bar, in the order of the legend
	Note    string    // text at the end of the row
}

// RowHeight is the height of one line in points.
const RowHeight = 17

// noteLift raises a note to the baseline of its row's name.
const noteLift = vg.Length(1.5)

// SetRows makes the y axis a list of the bars' names, with the first at the top.
func SetRows(p *plot.Plot, bars []Bar) {
	p.Y.Min, p.Y.Max = 0.5, float64(len(bars))+0.5
	ticks := make([]plot.Tick, len(bars))
	for i, b := range bars {
		label := shortName(b.Name)
		if label == "" {
			label = " "
		}
		ticks[i] = plot.Tick{Value: RowY(bars, i), Label: label}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.Color = InkText
	p.Add(PlotFunc(func(c draw.Canvas, p *plot.Plot) { headings(c, p, bars) }))
}

// shortName shortens a row's name to the available width and keeps its dagger.
func shortName(name string) string {
	if rest, ok := strings.CutSuffix(name, Dagger(false)); ok {
		return strictjson.Short(rest, 17) + Dagger(false)
	}
	return strictjson.Short(name, 18)
}

// RowY returns the y coordinate of row i.
func RowY(bars []Bar, i int) float64 { return float64(len(bars) - i) }

func headings(c draw.Canvas, p *plot.Plot, bars []Bar) {
	style := textStyle(labelSize)
	style.YAlign = draw.YCenter
	for i, b := range bars {
		if b.Heading != "" {
			c.FillText(style, vg.Point{X: c.Min.X, Y: c.Y(p.Y.Norm(RowY(bars, i)))}, b.Heading)
		}
	}
}

// DumbbellPlot returns a plot of dumbbells (p50 joined to p99) on a log scale.
func DumbbellPlot(label string, bars []Bar) *plot.Plot {
	var all []float64
	for _, b := range bars {
		all = append(all, b.Low, b.High)
	}
	p := NewPlot(label)
	SetLog(&p.X, all, 1.15)
	p.Add(PlotFunc(GridX))
	SetRows(p, bars)
	p.Add(dumbbells(bars))
	return p
}

// dumbbells draws p50 as a filled mark, p99 as a short stroke, and a line between them.
func dumbbells(bars []Bar) PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for i, b := range bars {
			y := c.Y(p.Y.Norm(RowY(bars, i)))
			style := draw.LineStyle{Color: b.Look.Colour, Width: DataLine}
			var ends []vg.Length
			for _, v := range []float64{b.Low, b.High} {
				if v > 0 && !math.IsInf(v, 0) {
					ends = append(ends, c.X(p.X.Norm(v)))
				}
			}
			if len(ends) == 2 {
				c.StrokeLine2(style, ends[0], y, ends[1], y)
				c.StrokeLine2(style, ends[1], y-4, ends[1], y+4)
			}
			if b.Low > 0 && len(ends) > 0 {
				c.DrawGlyph(draw.GlyphStyle{Color: b.Look.Colour, Radius: MarkSize, Shape: draw.CircleGlyph{}}, vg.Point{X: ends[0], Y: y})
			}
		}
	}
}

// Stacks draws each bar as a row of its parts.
func Stacks(bars []Bar, parts []Look) PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		style := textStyle(labelSize - 1)
		style.YAlign = draw.YCenter
		for i, b := range bars {
			if b.Parts == nil {
				continue
			}
			y := c.Y(p.Y.Norm(RowY(bars, i)))
			sum := 0.0
			for j, v := range b.Parts {
				from := c.X(p.X.Norm(sum))
				sum += max(v, 0)
				fillBox(c, parts[j], from, c.X(p.X.Norm(sum))-0.7, y)
			}
			c.FillText(style, vg.Point{X: c.X(p.X.Norm(sum)) + 4, Y: y + noteLift}, b.Note)
		}
	}
}

func fillBox(c draw.Canvas, l Look, from, to, y vg.Length) {
	const half = 4.5
	if to <= from {
		return
	}
	c.FillPolygon(l.Colour, []vg.Point{{X: from, Y: y - half}, {X: to, Y: y - half}, {X: to, Y: y + half}, {X: from, Y: y + half}})
}
