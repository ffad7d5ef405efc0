package reports

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// plotFunc draws with the plot's scales; it is all that a chart here needs.
type plotFunc func(c draw.Canvas, p *plot.Plot)

// Plot implements plot.Plotter.
func (f plotFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

const (
	labelSize = 11
	thinLine  = vg.Length(0.6)
	dataLine  = vg.Length(1.8)
	markSize  = vg.Length(3.4)
)

func sans(size vg.Length) font.Font {
	return font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
}

func textStyle(size vg.Length) text.Style {
	return text.Style{Color: inkMuted, Font: sans(size), Handler: plot.DefaultTextHandler}
}

// newPlot is an empty plot in the house style: no frame, no box, light grid.
func newPlot(xLabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = draw.LineStyle{Color: inkGrid, Width: thinLine}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3
		a.Tick.Label.Color = inkMuted
		a.Tick.Label.Font = sans(labelSize)
		a.Label.TextStyle.Color = inkMuted
		a.Label.TextStyle.Font = sans(labelSize)
		a.Label.Padding = 3
		a.Padding = 4
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.X.Label.Text = xLabel
	return p
}

// rangeOf is the smallest and largest of the values a log scale can show.
func rangeOf(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), 0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if hi == 0 {
		return 1, 10
	}
	return lo, hi
}

// setLog makes a a log axis that holds the values with air around them.
func setLog(a *plot.Axis, values []float64, air float64) {
	lo, hi := rangeOf(values)
	a.Min, a.Max = lo/air, hi*air
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(logTicks)
}

// logTicks labels 1, 2 and 5 of each decade, or the decades alone when there are many.
func logTicks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	if hi/lo > 1500 {
		steps = steps[:1]
	}
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, s := range steps {
			if v := s * math.Pow(10, e); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: show.Engineering(v)})
			}
		}
	}
	return ticks
}

// setLinear makes a a linear axis from zero with room for labels above the data.
func setLinear(a *plot.Axis, highest, air float64) {
	if !(highest > 0) || math.IsInf(highest, 0) {
		highest = 1
	}
	a.Min, a.Max = 0, highest*air
	a.Tick.Marker = plot.TickerFunc(linearTicks)
}

func linearTicks(lo, hi float64) []plot.Tick {
	raw := (hi - lo) / 5
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, s := range []float64{1, 2, 5} {
		if s*unit >= raw {
			step = s * unit
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: show.Engineering(i * step)})
	}
	return ticks
}

// setSizes makes a the axis of frame sizes, a label at each size that was
// measured; labels that would run into the next one are left out.
func setSizes(a *plot.Axis, sizes []rfc2544.FrameSize) {
	values := make([]float64, len(sizes))
	for i, s := range sizes {
		values[i] = float64(s)
	}
	setLog(a, values, 1.1)
	if len(values) == 1 {
		a.Min, a.Max = values[0]/2, values[0]*2
	}
	room := math.Log(a.Max/a.Min) * 0.09
	var ticks []plot.Tick
	last := math.Inf(1)
	for _, v := range slices.Backward(values) {
		t := plot.Tick{Value: v, Label: strconv.Itoa(int(v))}
		if math.Log(last/v) < room {
			t.Label = " "
		} else {
			last = v
		}
		ticks = append(ticks, t)
	}
	a.Tick.Marker = plot.ConstantTicks(ticks)
}

// gridY draws a faint line at each labelled tick of the y axis.
func gridY(c draw.Canvas, p *plot.Plot) {
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		y := c.Y(p.Y.Norm(t.Value))
		c.StrokeLine2(draw.LineStyle{Color: inkGrid, Width: thinLine}, c.Min.X, y, c.Max.X, y)
	}
}

// gridX draws a faint line at each labelled tick of the x axis.
func gridX(c draw.Canvas, p *plot.Plot) {
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		x := c.X(p.X.Norm(t.Value))
		c.StrokeLine2(draw.LineStyle{Color: inkGrid, Width: thinLine}, x, c.Min.Y, x, c.Max.Y)
	}
}

// point is one value of a line, with its bounds where there are any.
type point struct {
	x, y, lo, hi float64
	doubtful     bool // not valid: the mark is ringed
}

// marksOf draws the points alone.
func marksOf(points []point, l look) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for _, pt := range points {
			c.DrawGlyph(l.glyph(markSize), vg.Point{X: c.X(p.X.Norm(pt.x)), Y: c.Y(p.Y.Norm(pt.y))})
		}
	}
}

// lineOf draws a line with marks and bounds. Points that a log scale cannot
// show are left out, and the line does not bridge them.
func lineOf(points []point, l look) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		at := func(x, y float64) vg.Point { return vg.Point{X: c.X(p.X.Norm(x)), Y: c.Y(p.Y.Norm(y))} }
		var run []vg.Point
		for _, pt := range points {
			if !(pt.y > 0) || math.IsInf(pt.y, 0) {
				c.StrokeLines(l.line(dataLine), run)
				run = nil
				continue
			}
			here := at(pt.x, pt.y)
			run = append(run, here)
			if pt.lo > 0 && pt.hi > pt.lo && !math.IsInf(pt.hi, 0) {
				c.StrokeLines(draw.LineStyle{Color: l.colour, Width: 1}, []vg.Point{at(pt.x, max(pt.lo, p.Y.Min)), at(pt.x, min(pt.hi, p.Y.Max))})
			}
			if l.mark != nil {
				c.DrawGlyph(l.glyph(markSize), here)
			}
			if pt.doubtful {
				c.DrawGlyph(draw.GlyphStyle{Color: inkText, Radius: 2 * markSize, Shape: draw.RingGlyph{}}, here)
			}
		}
		c.StrokeLines(l.line(dataLine), run)
	}
}

// pathOf draws a line with marks through all points, zero included.
func pathOf(points []point, l look) plotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		var run []vg.Point
		for _, pt := range points {
			run = append(run, vg.Point{X: c.X(p.X.Norm(pt.x)), Y: c.Y(p.Y.Norm(pt.y))})
		}
		c.StrokeLines(l.line(dataLine), run)
		marksOf(points, l)(c, p)
	}
}
