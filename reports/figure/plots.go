package figure

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

// PlotFunc draws on a canvas with the scales of a plot.
type PlotFunc func(c draw.Canvas, p *plot.Plot)

// Plot implements plot.Plotter.
func (f PlotFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// Sizes of text, lines and marks, in points.
const (
	labelSize = 11
	ThinLine  = vg.Length(0.6)
	DataLine  = vg.Length(1.8)
	MarkSize  = vg.Length(3.4)
)

func sans(size vg.Length) font.Font {
	return font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
}

func textStyle(size vg.Length) text.Style {
	return text.Style{Color: InkMuted, Font: sans(size), Handler: plot.DefaultTextHandler}
}

// NewPlot returns an empty plot in the common style: no frame and a light grid.
func NewPlot(xLabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = draw.LineStyle{Color: inkGrid, Width: ThinLine}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3
		a.Tick.Label.Color = InkMuted
		a.Tick.Label.Font = sans(labelSize)
		a.Label.TextStyle.Color = InkMuted
		a.Label.TextStyle.Font = sans(labelSize)
		a.Label.Padding = 3
		a.Padding = 4
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.X.Label.Text = xLabel
	return p
}

// rangeOf returns the smallest and the largest positive value, since a log scale has no zero.
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

// SetLog turns axis a into a logarithmic axis that spans the values, with a margin on both sides.
func SetLog(a *plot.Axis, values []float64, air float64) {
	lo, hi := rangeOf(values)
	a.Min, a.Max = lo/air, hi*air
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.TickerFunc(LogTicks)
}

// LogTicks labels 1, 2 and 5 of each decade, or only the decades if there are many.
func LogTicks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	if hi/lo > 1500 {
		steps = steps[:1]
	}
	first, last := math.Floor(math.Log10(lo)), math.Ceil(math.Log10(hi))
	every := max(1, math.Ceil((last-first)/mostTicks)) // decades
	var ticks []plot.Tick
	for k := range mostTicks + 1 {
		for _, s := range steps {
			if v := s * math.Pow(10, first+float64(k)*every); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: show.Engineering(v)})
			}
		}
	}
	return ticks
}

// mostTicks is the number of steps that an axis is divided into at the most.
const mostTicks = 15

// Ticks labels the multiples of step between lo and hi. There are at most mostTicks of them, whatever
// the numbers are.
func Ticks(lo, hi, step float64) []plot.Tick {
	first := math.Ceil(lo / step)
	var ticks []plot.Tick
	for k := range mostTicks {
		if v := (first + float64(k)) * step; v <= hi {
			ticks = append(ticks, plot.Tick{Value: v, Label: show.Engineering(v)})
		}
	}
	return ticks
}

// SetLinear turns axis a into a linear axis from zero, with room for labels above the data.
func SetLinear(a *plot.Axis, highest, air float64) {
	if !(highest > 0) || math.IsInf(highest, 0) {
		highest = 1
	}
	a.Min, a.Max = 0, highest*air
	a.Tick.Marker = plot.TickerFunc(LinearTicks)
}

// LinearTicks labels about five round values between lo and hi.
func LinearTicks(lo, hi float64) []plot.Tick {
	raw := (hi - lo) / 5
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, s := range []float64{1, 2, 5} {
		if s*unit >= raw {
			step = s * unit
			break
		}
	}
	return Ticks(lo, hi, step)
}

// SetSizes turns axis a into one of frame sizes. It labels each measured size unless the label would
// overlap the next one.
func SetSizes(a *plot.Axis, sizes []rfc2544.FrameSize) {
	values := make([]float64, len(sizes))
	for i, s := range sizes {
		values[i] = float64(s)
	}
	SetLog(a, values, 1.1)
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

// GridY draws a light line at each labelled tick of the y axis.
func GridY(c draw.Canvas, p *plot.Plot) {
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		y := c.Y(p.Y.Norm(t.Value))
		c.StrokeLine2(draw.LineStyle{Color: inkGrid, Width: ThinLine}, c.Min.X, y, c.Max.X, y)
	}
}

// GridX draws a light line at each labelled tick of the x axis.
func GridX(c draw.Canvas, p *plot.Plot) {
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		x := c.X(p.X.Norm(t.Value))
		c.StrokeLine2(draw.LineStyle{Color: inkGrid, Width: ThinLine}, x, c.Min.Y, x, c.Max.Y)
	}
}

// Point is one value of a line, with its bounds if known.
type Point struct {
	X, Y, Lo, Hi float64
	Doubtful     bool // the result is invalid; a ring marks the point
}

// MarksOf draws the points without a line.
func MarksOf(points []Point, l Look) PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		for _, pt := range points {
			c.DrawGlyph(l.Glyph(MarkSize), vg.Point{X: c.X(p.X.Norm(pt.X)), Y: c.Y(p.Y.Norm(pt.Y))})
		}
	}
}

// LineOf draws a line with marks and bounds. Points that a log scale cannot show interrupt the
// line.
func LineOf(points []Point, l Look) PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		at := func(x, y float64) vg.Point { return vg.Point{X: c.X(p.X.Norm(x)), Y: c.Y(p.Y.Norm(y))} }
		var run []vg.Point
		for _, pt := range points {
			if !(pt.Y > 0) || math.IsInf(pt.Y, 0) {
				c.StrokeLines(l.Line(DataLine), run)
				run = nil
				continue
			}
			here := at(pt.X, pt.Y)
			run = append(run, here)
			if pt.Lo > 0 && pt.Hi > pt.Lo && !math.IsInf(pt.Hi, 0) {
				c.StrokeLines(draw.LineStyle{Color: l.Colour, Width: 1}, []vg.Point{at(pt.X, max(pt.Lo, p.Y.Min)), at(pt.X, min(pt.Hi, p.Y.Max))})
			}
			if l.Mark != nil {
				c.DrawGlyph(l.Glyph(MarkSize), here)
			}
			if pt.Doubtful {
				c.DrawGlyph(draw.GlyphStyle{Color: InkText, Radius: 2 * MarkSize, Shape: draw.RingGlyph{}}, here)
			}
		}
		c.StrokeLines(l.Line(DataLine), run)
	}
}

// PathOf draws a line with marks through all points, including those at zero.
func PathOf(points []Point, l Look) PlotFunc {
	return func(c draw.Canvas, p *plot.Plot) {
		var run []vg.Point
		for _, pt := range points {
			run = append(run, vg.Point{X: c.X(p.X.Norm(pt.X)), Y: c.Y(p.Y.Norm(pt.Y))})
		}
		c.StrokeLines(l.Line(DataLine), run)
		MarksOf(points, l)(c, p)
	}
}
