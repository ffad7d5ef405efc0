package figure

import (
	"bytes"
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// Chart is one figure. The page shows it as SVG; the main charts are also written as PNG. Its table
// holds the same numbers as text.
type Chart struct {
	ID, Title, Caption string
	Legend             []LegendItem
	Table              Grid
	Height             vg.Length // height in the page; the width is chartWidth
	Draw               func() *plot.Plot
}

// LegendItem is one legend entry: a look and its name.
type LegendItem struct {
	Look Look
	Name string
	Line bool // draw a line, not only the mark
}

// Grid is a table of strings.
type Grid struct {
	Head []string
	Rows [][]string
}

// chartWidth is the width of a chart in the page, in points. It is small enough that text stays
// readable on a telephone.
const chartWidth = vg.Length(350)

// A PNG is 1200x630 pixels, the size of link previews. The canvas is small and its resolution high,
// so text stays readable when a comment shows the picture at half its width.
const (
	pngWidth  = vg.Length(720) // points; 120 dots per inch make 1200 pixels
	pngHeight = vg.Length(378)
	pngDPI    = 120
	pngMargin = 18
	PngBars   = 16 // the most rows that fit
)

// PngOf draws a chart as PNG with a title, a subtitle and a legend.
func PngOf(c Chart, sub string) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(pngWidth, pngHeight), vgimg.UseDPI(pngDPI), vgimg.UseBackgroundColor(inkPaper))
	area := draw.Crop(draw.New(canvas), pngMargin, -pngMargin, pngMargin-6, -pngMargin)
	title := textStyle(17)
	title.Color = InkText
	title.YAlign = draw.YTop
	area.FillText(title, vg.Point{X: area.Min.X, Y: area.Max.Y}, c.Title)
	small := textStyle(10)
	small.YAlign = draw.YTop
	area.FillText(small, vg.Point{X: area.Min.X, Y: area.Max.Y - 23}, sub)
	area.Max.Y -= 42
	area.Max.Y -= pngLegend(area, c.Legend)
	c.Draw().Draw(area)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.ID, err)
	}
	return b.Bytes(), nil
}

// pngLegend draws the legend at the top of area, on as many lines as needed, and returns its
// height.
func pngLegend(area draw.Canvas, items []LegendItem) vg.Length {
	const lineHeight, sample, gap = 17, 22, 14
	style := textStyle(labelSize)
	style.Color = InkText
	style.YAlign = draw.YCenter
	x, y := area.Min.X, area.Max.Y-lineHeight/2
	for _, item := range items {
		name := strictjson.Short(item.Name, 36)
		width := sample + 5 + style.Width(name) + gap
		if x > area.Min.X && x+width > area.Max.X {
			x, y = area.Min.X, y-lineHeight
		}
		box := area
		box.Min, box.Max = vg.Point{X: x, Y: y - 5}, vg.Point{X: x + sample, Y: y + 5}
		drawSwatch(box, item)
		area.FillText(style, vg.Point{X: x + sample + 5, Y: y}, name)
		x += width
	}
	if len(items) == 0 {
		return 0
	}
	return area.Max.Y - y + lineHeight
}

// Dagger returns the mark for an invalid result, or an empty string for a valid one.
func Dagger(valid bool) string {
	if valid {
		return ""
	}
	return show.Thin + "†"
}
