package page

import (
	"fmt"
	"math"

	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// chart is the rate of each device against its CPU time per frame, both on logarithmic scales.
type chart struct {
	Title         string
	Width, Height int
	Left, Bottom  float64 // of the plot
	Right, Top    float64
	X, Y          []tick
	Marks         []mark
	Legend        []legendItem
}

type tick struct {
	At   float64
	Text string
}

// mark is a device. A circle is plain, a square sealed, and a ring without a tunnel, so nothing depends on colour.
type mark struct {
	X, Y                         float64
	Group, Class                 string
	Label, Tip, Anchor           string
	LabelX, LabelY               float64
	Circle, Square, Ring, Hidden bool // the label is hidden where it would lie on another one
}

type legendItem struct {
	Name string
	mark
}

// Measures of the chart, in px.
const (
	chartWide, chartHigh    = 980, 430
	leftRoom, bottomRoom    = 62, 44
	rightRoom, topRoom      = 20, 16
	fontWide, fontHigh, gap = 6.3, 13.0, 9.0
)

// chartOf returns the chart at a frame size; ok is false if there are no two devices to draw.
func chartOf(f *field.Field, size rfc2544.FrameSize) (c chart, ok bool) {
	c = chart{Title: fmt.Sprintf("Rate and CPU time per frame at %d bytes", size), Width: chartWide, Height: chartHigh, Left: leftRoom, Bottom: chartHigh - bottomRoom, Right: chartWide - rightRoom, Top: topRoom}
	var devices []*field.Device
	var rates, costs []float64
	for _, g := range f.Groups() {
		for _, d := range g.Devices {
			if p := d.Point(size); d.Rate(size) != nil && p.CPU != nil && d.Rate(size).Value > 0 && p.CPU.Value > 0 {
				devices, rates, costs = append(devices, d), append(rates, d.Rate(size).Value), append(costs, p.CPU.Value)
			}
		}
	}
	if len(devices) < 2 {
		return c, false
	}
	x, y := axis(rates, c.Left, c.Right), axis(costs, c.Bottom, c.Top)
	c.X, c.Y = x.ticks(), y.ticks()
	seen := map[string]bool{}
	var labels []box
	for i, d := range devices {
		m := markOf(field.GroupOf(d))
		m.X, m.Y, m.Label = round(x.at(rates[i])), round(y.at(costs[i])), d.Name
		m.Tip = fmt.Sprintf("%s: %s kframes/s, %s ns of CPU per frame", d.Name, show.Kilo(rates[i]), show.Digits(costs[i], show.Thin))
		if !seen[m.Group] {
			seen[m.Group] = true
			item := m
			item.X, item.Y = 11, 5
			c.Legend = append(c.Legend, legendItem{m.Group, item})
		}
		c.Marks = append(c.Marks, m)
		labels = append(labels, box{m.X - gap/2, m.Y - gap/2, m.X + gap/2, m.Y + gap/2})
	}
	for i := range c.Marks {
		labels = c.Marks[i].place(c, labels)
	}
	return c, true
}

// markOf returns the mark of a group.
func markOf(group string) mark {
	m := mark{Group: titles[group]}
	switch group {
	case result.KindPlain:
		m.Circle, m.Class = true, "f-c1"
	case result.KindSealed:
		m.Square, m.Class = true, "f-c2"
	default:
		m.Ring, m.Class = true, "s-ink f-none"
	}
	return m
}

// scale is a logarithmic axis from lo to hi, drawn from a to b.
type scale struct{ lo, hi, a, b float64 }

// axis returns the axis that spans the values with some air.
func axis(values []float64, a, b float64) scale {
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return scale{lo / 1.25, hi * 1.4, a, b}
}

func (s scale) at(v float64) float64 {
	return s.a + (s.b-s.a)*math.Log(v/s.lo)/math.Log(s.hi/s.lo)
}

func (s scale) ticks() (out []tick) {
	for _, t := range figure.LogTicks(s.lo, s.hi) {
		out = append(out, tick{round(s.at(t.Value)), t.Label})
	}
	return out
}

// box is where something is drawn.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) meets(o box) bool { return b.x0 < o.x1 && o.x0 < b.x1 && b.y0 < o.y1 && o.y0 < b.y1 }

// place puts the label of a mark beside it where it lies on nothing else; taken are the boxes so far. It returns them with
// the label's own.
func (m *mark) place(c chart, taken []box) []box {
	wide := fontWide * float64(len([]rune(m.Label)))
	for _, p := range []struct {
		anchor string
		x, y   float64 // of the text's beginning or end, and its middle
	}{
		{"start", m.X + gap, m.Y}, {"end", m.X - gap, m.Y}, {"start", m.X + gap, m.Y - fontHigh}, {"start", m.X + gap, m.Y + fontHigh},
		{"end", m.X - gap, m.Y - fontHigh}, {"end", m.X - gap, m.Y + fontHigh}, {"start", m.X + gap, m.Y - 2*fontHigh}, {"start", m.X + gap, m.Y + 2*fontHigh},
	} {
		b := box{p.x, p.y - fontHigh/2, p.x + wide, p.y + fontHigh/2}
		if p.anchor == "end" {
			b.x0, b.x1 = p.x-wide, p.x
		}
		free := b.x0 > c.Left && b.x1 < c.Right && b.y0 > 0 && b.y1 < c.Bottom
		for _, o := range taken {
			free = free && !b.meets(o)
		}
		if free {
			m.Anchor, m.LabelX, m.LabelY = p.anchor, round(p.x), round(p.y+4)
			return append(taken, b)
		}
	}
	m.Hidden = true
	return taken
}

func round(x float64) float64 { return math.Round(x*10) / 10 }
