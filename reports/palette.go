package reports

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// The palette is Okabe and Ito's, safe for colour-blind readers, darkened where
// a hue would have less than 3:1 contrast on white. In the page every colour is
// a CSS class, and the style sheet has a second set for dark screens; in a PNG
// these values stand. Colour never speaks alone: marks and dashes differ too.
var (
	inkText  = hex(0x1b, 0x1f, 0x24)
	inkMuted = hex(0x5b, 0x64, 0x6e)
	inkGrid  = hex(0xdf, 0xe3, 0xe7)
	inkPaper = hex(0xff, 0xff, 0xff)
	inkData  = []color.RGBA{
		hex(0x00, 0x72, 0xb2), hex(0xd5, 0x5e, 0x00), hex(0x00, 0x8a, 0x65),
		hex(0xb0, 0x5a, 0x8b), hex(0xa8, 0x74, 0x00), hex(0x2f, 0x8f, 0xc9),
	}
)

func hex(r, g, b uint8) color.RGBA { return color.RGBA{R: r, G: g, B: b, A: 0xff} }

// colourClass maps each colour as vgsvg writes it to the class that the style
// sheet knows.
var colourClass = func() map[string]string {
	classes := map[string]string{
		hexString(inkText): "ink", hexString(inkMuted): "muted",
		hexString(inkGrid): "grid", hexString(inkPaper): "paper",
	}
	for i, c := range inkData {
		classes[hexString(c)] = fmt.Sprintf("c%d", i+1)
	}
	return classes
}()

func hexString(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// look is how one device or class is drawn in every chart.
type look struct {
	colour color.RGBA
	mark   draw.GlyphDrawer // nil for a line without marks
	dashes []vg.Length
}

var marks = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.PyramidGlyph{}, diamond, draw.BoxGlyph{}, wedge,
}

// shape is a filled mark: corners as multiples of the radius.
type shape [][2]vg.Length

var (
	diamond = shape{{0, 1.25}, {1.25, 0}, {0, -1.25}, {-1.25, 0}}
	wedge   = shape{{-1.1, 0.9}, {1.1, 0.9}, {0, -1.2}}
)

// cross is a mark of two strokes.
type cross struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (cross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
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

var dashes = [][]vg.Length{nil, {5, 3}, {2, 2}, {7, 2, 2, 2}}

// looks gives every row of m its look. Calibration stays in grey and black, so
// that colour belongs to tunnels.
func looks(m *matrix) []look {
	out := make([]look, len(m.rows))
	next := 0
	for i, r := range m.rows {
		switch {
		case r.dut == result.WireDUT:
			out[i] = look{inkMuted, draw.CircleGlyph{}, dashes[2]}
		case r.kind == result.KindCalibration:
			out[i] = look{inkText, draw.BoxGlyph{}, nil}
		default:
			out[i] = look{
				colour: inkData[next%len(inkData)],
				mark:   marks[next%len(marks)],
				dashes: dashes[next/len(inkData)%len(dashes)],
			}
			next++
		}
	}
	return out
}

func (l look) line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.colour, Width: width, Dashes: l.dashes}
}

func (l look) glyph(radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.colour, Radius: radius, Shape: l.mark}
}
