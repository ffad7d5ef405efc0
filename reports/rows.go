package reports

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// bar is one line of a chart that lists devices below each other: a heading, or
// a device with what is drawn beside its name.
type bar struct {
	heading string
	name    string
	look    look
	low     float64   // first value: p50, or nothing
	high    float64   // second value: p99, or the bar's length
	parts   []float64 // shares of a stacked bar, in the order of the legend
	note    string    // written at the end
}

// rowHeight is the height of one line in points.
const rowHeight = 17

// noteLift sets a note on the same line as the name of its row.
const noteLift = vg.Length(1.5)

// setRows makes the y axis a list of the bars' names, the first on top.
func setRows(p *plot.Plot, bars []bar) {
	p.Y.Min, p.Y.Max = 0.5, float64(len(bars))+0.5
	ticks := make([]plot.Tick, len(bars))
	for i, b := range bars {
		label := shortName(b.name)
		if label == "" {
			label = " "
		}
		ticks[i] = plot.Tick{Value: rowY(bars, i), Label: label}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.Color = inkText
	p.Add(plotFunc(func(c draw.Canvas, p *plot.Plot) { headings(c, p, bars) }))
}

// shortName cuts a row's name to the room there is, and keeps its dagger.
func shortName(name string) string {
	if rest, ok := strings.CutSuffix(name, dagger(false)); ok {
		return strictjson.Short(rest, 17) + dagger(false)
	}
	return strictjson.Short(name, 18)
}

func rowY(bars []bar, i int) float64 { return float64(len(bars) - i) }

func headings(c draw.Canvas, p *plot.Plot, bars []bar) {
	style := textStyle(labelSize)
	style.YAlign = draw.YCenter
	for i, b := range bars {
		if b.heading != "" {
			c.FillText(style, vg.Point{X: c.Min.X, Y: c.Y(p.Y.Norm(rowY(bars, i)))}, b.heading)
		}
	}
}

// dumbbellPlot is a plot of dumbbells on a log scale.
func dumbbellPlot(label string, bars []bar) *plot.Plot {
	var all []float64
	for _, b := range bars {
		all = append(all, b.low, b.high)
	}
	p := newPlot(label)
	setLog(&p.X, all, 1.15)
	p.Add(plotFunc(gridX))
	setRows(p, bars)
	p.Add(dumbbells(bars))
	return p
}

// dumbbells draws p50 as a filled mark and p99 as a bar's end, joined.
func dumbbells(bars []bar) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for i, b := range bars {
			y := c.Y(p.Y.Norm(rowY(bars, i)))
			style := draw.LineStyle{Color: b.look.colour, Width: dataLine}
			var ends []vg.Length
			for _, v := range []float64{b.low, b.high} {
				if v > 0 && !math.IsInf(v, 0) {
					ends = append(ends, c.X(p.X.Norm(v)))
				}
			}
			if len(ends) == 2 {
				c.StrokeLine2(style, ends[0], y, ends[1], y)
				c.StrokeLine2(style, ends[1], y-4, ends[1], y+4)
			}
			if b.low > 0 && len(ends) > 0 {
				c.DrawGlyph(draw.GlyphStyle{Color: b.look.colour, Radius: markSize, Shape: draw.CircleGlyph{}}, vg.Point{X: ends[0], Y: y})
			}
		}
	}
}

// stacks draws each bar as its parts, side by side.
func stacks(bars []bar, parts []look) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		style := textStyle(labelSize - 1)
		style.YAlign = draw.YCenter
		for i, b := range bars {
			if b.parts == nil {
				continue
			}
			y := c.Y(p.Y.Norm(rowY(bars, i)))
			sum := 0.0
			for j, v := range b.parts {
				from := c.X(p.X.Norm(sum))
				sum += max(v, 0)
				fillBox(c, parts[j], from, c.X(p.X.Norm(sum))-0.7, y)
			}
			c.FillText(style, vg.Point{X: c.X(p.X.Norm(sum)) + 4, Y: y + noteLift}, b.note)
		}
	}
}

func fillBox(c draw.Canvas, l look, from, to, y vg.Length) {
	const half = 4.5
	if to <= from {
		return
	}
	c.FillPolygon(l.colour, []vg.Point{{X: from, Y: y - half}, {X: to, Y: y - half}, {X: to, Y: y + half}, {X: from, Y: y + half}})
}
