package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The palette is by Okabe and Ito and safe for colour-blind readers. Hues with less than 3:1
// contrast on white are darkened. The page uses a CSS class for each colour, and its style sheet
// has a second set for dark screens; a PNG uses these values. Marks and dashes differ, too, so no
// chart depends on colour alone.
var (
	InkText  = hex(0x1b, 0x1f, 0x24)
	InkMuted = hex(0x5b, 0x64, 0x6e)
	inkGrid  = hex(0xdf, 0xe3, 0xe7)
	inkPaper = hex(0xff, 0xff, 0xff)
	InkData  = []color.RGBA{
		hex(0x00, 0x72, 0xb2), hex(0xd5, 0x5e, 0x00), hex(0x00, 0x8a, 0x65),
		hex(0xb0, 0x5a, 0x8b), hex(0xa8, 0x74, 0x00), hex(0x2f, 0x8f, 0xc9),
	}
)

func hex(r, g, b uint8) color.RGBA { return color.RGBA{R: r, G: g, B: b, A: 0xff} }

// ColourClass maps each colour, as vgsvg writes it, to its class in the style sheet.
var ColourClass = func() map[string]string {
	classes := map[string]string{
		hexString(InkText): "ink", hexString(InkMuted): "muted",
		hexString(inkGrid): "grid", hexString(inkPaper): "paper",
	}
	for i, c := range InkData {
		classes[hexString(c)] = fmt.Sprintf("c%d", i+1)
	}
	return classes
}()

func hexString(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// Look is the colour, mark and dashes of a device or class, the same in all charts.
type Look struct {
	Colour color.RGBA
	Mark   draw.GlyphDrawer // nil: a line without marks
	Dashes []vg.Length
}

// Marks are the marks for data points; each differs in shape.
var Marks = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.PyramidGlyph{}, Diamond, draw.BoxGlyph{}, Wedge,
}

// shape is a filled polygon mark; its corners are in multiples of the radius.
type shape [][2]vg.Length

// Marks that gonum/plot does not have.
var (
	Diamond = shape{{0, 1.25}, {1.25, 0}, {0, -1.25}, {-1.25, 0}}
	Wedge   = shape{{-1.1, 0.9}, {1.1, 0.9}, {0, -1.2}}
)

// Cross is a mark of two crossed strokes.
type Cross struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (Cross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	line := draw.LineStyle{Color: style.Color, Width: 1.4}
	r := style.Radius
	c.StrokeLine2(line, at.X-r, at.Y-r, at.X+r, at.Y+r)
	c.StrokeLine2(line, at.X-r, at.Y+r, at.X+r, at.Y-r)
}

// DrawGlyph implements draw.GlyphDrawer.
func (s shape) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	corners := make([]vg.Point, len(s))
	for i, p := range s {
		corners[i] = vg.Point{X: at.X + p[0]*style.Radius, Y: at.Y + p[1]*style.Radius}
	}
	c.FillPolygon(style.Color, corners)
}

// Dashes are the dash patterns for lines; the first is a solid line.
var Dashes = [][]vg.Length{nil, {5, 3}, {2, 2}, {7, 2, 2, 2}}

// Line returns the line style of the look.
func (l Look) Line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.Colour, Width: width, Dashes: l.Dashes}
}

// Glyph returns the mark style of the look.
func (l Look) Glyph(radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.Colour, Radius: radius, Shape: l.Mark}
}
