package reports

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// A PNG is 1200x630 pixels, the size link previews and comments show. It is
// drawn on a small canvas at high resolution, so that its text stays readable
// when a comment shows it at half width.
const (
	pngWidth  = vg.Length(720) // points; 120 dots per inch make 1200 pixels
	pngHeight = vg.Length(378)
	pngDPI    = 120
	pngMargin = 18
	pngBars   = 16 // lines that fit
)

// WritePNGs draws the charts of the runs into dir, one file each, and returns their
// paths in the order of the page. With several runs the names begin with the run's number.
// Each file is written whole or not at all.
func WritePNGs(dir string, runs ...*result.Results) (paths []string, err error) {
	for i, r := range runs {
		at := ""
		if len(runs) > 1 {
			at = fmt.Sprintf("run%d-", i+1)
		}
		these, err := writePNGs(dir, at, r)
		paths = append(paths, these...)
		if err != nil {
			return paths, err
		}
	}
	return paths, nil
}

func writePNGs(dir, at string, r *result.Results) (paths []string, err error) {
	m := newMatrix(r)
	for _, c := range charts(r, m, pngBars) {
		data, err := pngOf(c, subtitle(r, m))
		if err != nil {
			return paths, err
		}
		path := filepath.Join(dir, at+c.id+".png")
		if err := result.WriteFile(path, data); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// subtitle says what the chart comes from, since a picture travels alone.
func subtitle(r *result.Results, m *matrix) string {
	parts := []string{"tunnelbench " + r.Tool.Version, "profile " + r.Profile, r.Host.CPU, "Linux " + r.Host.Kernel}
	if len(m.rows) > 0 && m.rows[0].direction != "" {
		parts = append(parts, m.rows[0].direction)
	}
	return strictjson.Short(strings.Join(parts, " · "), 110)
}

func pngOf(c chart, sub string) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(pngWidth, pngHeight), vgimg.UseDPI(pngDPI), vgimg.UseBackgroundColor(inkPaper))
	area := draw.Crop(draw.New(canvas), pngMargin, -pngMargin, pngMargin-6, -pngMargin)
	title := textStyle(17)
	title.Color = inkText
	title.YAlign = draw.YTop
	area.FillText(title, vg.Point{X: area.Min.X, Y: area.Max.Y}, c.title)
	small := textStyle(10)
	small.YAlign = draw.YTop
	area.FillText(small, vg.Point{X: area.Min.X, Y: area.Max.Y - 23}, sub)
	area.Max.Y -= 42
	area.Max.Y -= pngLegend(area, c.legend)
	c.draw().Draw(area)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.id, err)
	}
	return b.Bytes(), nil
}

// pngLegend writes the legend from the top of area, in as many lines as it
// needs, and returns the height it took.
func pngLegend(area draw.Canvas, items []legendItem) vg.Length {
	const lineHeight, sample, gap = 17, 22, 14
	style := textStyle(labelSize)
	style.Color = inkText
	style.YAlign = draw.YCenter
	x, y := area.Min.X, area.Max.Y-lineHeight/2
	for _, item := range items {
		name := strictjson.Short(item.name, 36)
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
