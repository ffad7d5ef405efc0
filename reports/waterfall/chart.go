package waterfall

import (
	"fmt"
	"math"
)

// chart is a waterfall: a bar for each hop of one frame, from the time at which the frame entered it to
// the time at which it left it.
type chart struct {
	Title         string
	Width, Height int
	Bars          []bar
	Ticks         []tick
}

type bar struct {
	Label, Text, Fill, Anchor    string
	LabelX, Y, TextY, X, W, EndX float64
}

type tick struct {
	X        float64
	Y, TextY int
	Text     string
}

// Measures of a chart, in px.
const (
	labels = 330
	plot   = 560
	values = 110
	rowY   = 22
)

// fills are the classes of the style sheet by the kind of work.
var fills = map[Work]string{Link: "f-c1", Kernel: "f-c3", Queue: "f-c2", Process: "f-c4", Unseen: "f-c5"}

func legendOf(s Stream) (items []legendItem) {
	for _, w := range []Work{Link, Kernel, Queue, Process, Unseen} {
		for _, h := range s.Hops {
			if h.Work == w {
				items = append(items, legendItem{string(w), fills[w]})
				break
			}
		}
	}
	return items
}

// chartOf draws a frame that was seen at all points of its way.
func chartOf(s Stream, f Picked) chart {
	whole := f.Passes[len(f.Passes)-1].At
	c := chart{Title: fmt.Sprintf("%s: %s from end to end", f.Why, ns(whole)), Width: labels + plot + values}
	scale := float64(plot) / float64(max(1, whole))
	for i := 1; i < len(f.Passes); i++ {
		from, to := f.Passes[i-1], f.Passes[i]
		y := float64((i - 1) * rowY)
		b := bar{
			Label: s.Points[from.Point].String() + " › " + s.Points[to.Point].String(), Text: ns(to.At - from.At), Fill: fill(s, from.Point, to.Point),
			LabelX: labels - 8, Y: y + 4, TextY: y + 15, X: round(labels + float64(from.At)*scale), W: round(max(1, float64(to.At-from.At)*scale)), Anchor: "start",
		}
		b.EndX = b.X + b.W + 5
		c.Bars = append(c.Bars, b)
	}
	bottom := len(c.Bars)*rowY + 4
	c.Height = bottom + 22
	for _, at := range ticks(whole) {
		c.Ticks = append(c.Ticks, tick{round(labels + float64(at)*scale), bottom, bottom + 15, ns(at)})
	}
	return c
}

// fill returns the class of a bar; of a hop of several, because the frame was not seen between, that of work that is not seen.
func fill(s Stream, from, to int) string {
	if to == from+1 {
		return fills[s.Hops[from].Work]
	}
	return fills[Unseen]
}

func round(x float64) float64 { return math.Round(x*10) / 10 }

// ticks returns round values from zero to at most most.
func ticks(most int64) (at []int64) {
	step := int64(math.Pow(10, math.Floor(math.Log10(float64(max(10, most)))))) / 2
	if most/step > 8 {
		step *= 2
	}
	if most/step < 4 {
		step = max(1, step/2)
	}
	for t := int64(0); t <= most; t += step {
		at = append(at, t)
	}
	return at
}
