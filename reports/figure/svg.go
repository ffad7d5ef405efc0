package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SvgOf draws p as SVG for the page. It adds a title and a description for screen readers. Colours
// are CSS classes, so the style sheet can follow the reader's colour scheme; there are no style
// attributes because the page's content security policy forbids them.
func SvgOf(p *plot.Plot, height vg.Length, id, title, desc string) (template.HTML, error) {
	c := vgsvg.New(chartWidth, height)
	p.Draw(draw.New(c))
	var raw bytes.Buffer
	if _, err := c.WriteTo(&raw); err != nil {
		return "", fmt.Errorf("chart %s: %w", id, err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg role="img" aria-labelledby="%[1]s-t %[1]s-d" viewBox="0 0 %[2]g %[3]g"><title id="%[1]s-t">%[4]s</title><desc id="%[1]s-d">%[5]s</desc>`,
		html.EscapeString(id), chartWidth.Points(), height.Points(), html.EscapeString(title), html.EscapeString(desc))
	if err := Rewrite(&out, &raw); err != nil {
		return "", fmt.Errorf("chart %s: %w", id, err)
	}
	return template.HTML(out.String()), nil
}

// Rewrite copies the shapes of vgsvg's output into the open svg element. It copies only the
// elements and attributes listed here and escapes all text again.
func Rewrite(out *strings.Builder, raw io.Reader) error {
	d := xml.NewDecoder(raw)
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := open(out, t); err != nil {
				return err
			}
		case xml.EndElement:
			out.WriteString("</" + t.Name.Local + ">")
		case xml.CharData:
			out.WriteString(html.EscapeString(strings.TrimSpace(string(t))))
		}
	}
}

func open(out *strings.Builder, t xml.StartElement) error {
	switch t.Name.Local {
	case "svg":
		return nil // the page writes its own svg element
	case "g", "path", "text":
	default:
		return fmt.Errorf("unexpected element %q", t.Name.Local)
	}
	out.WriteString("<" + t.Name.Local)
	var classes []string
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "d", "x", "y", "transform":
			fmt.Fprintf(out, ` %s="%s"`, a.Name.Local, html.EscapeString(a.Value))
		case "style":
			classes = restyle(out, a.Value)
		}
	}
	if len(classes) > 0 {
		slices.Sort(classes)
		fmt.Fprintf(out, ` class="%s"`, strings.Join(classes, " "))
	}
	out.WriteString(">")
	return nil
}

// plainNumber matches the numbers and number lists that vgsvg writes.
var plainNumber = regexp.MustCompile(`^[0-9.,e+-]+(px)?$`)

// restyle converts a style attribute into attributes and the CSS classes of its colours.
func restyle(out *strings.Builder, style string) (classes []string) {
	for rule := range strings.SplitSeq(style, ";") {
		key, value, _ := strings.Cut(rule, ":")
		switch key {
		case "fill", "stroke":
			if class, ok := ColourClass[value]; ok {
				classes = append(classes, key[:1]+"-"+class)
			} else {
				classes = append(classes, key[:1]+"-none")
			}
		case "stroke-width", "stroke-dasharray", "font-size":
			if plainNumber.MatchString(value) {
				fmt.Fprintf(out, ` %s="%s"`, key, value)
			}
		}
	}
	return classes
}

// Swatch returns the legend's sample of a look, drawn as in the chart.
func Swatch(item LegendItem) (template.HTML, error) {
	const width, height = 22, 10
	c := vgsvg.New(width, height)
	drawSwatch(draw.New(c), item)
	var raw bytes.Buffer
	if _, err := c.WriteTo(&raw); err != nil {
		return "", fmt.Errorf("legend: %w", err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="swatch" aria-hidden="true" viewBox="0 0 %d %d">`, width, height)
	if err := Rewrite(&out, &raw); err != nil {
		return "", fmt.Errorf("legend: %w", err)
	}
	return template.HTML(out.String()), nil
}

// drawSwatch draws a sample of the item's look on c.
func drawSwatch(c draw.Canvas, item LegendItem) {
	mid := c.Center()
	l := item.Look
	if item.Line {
		c.StrokeLine2(l.Line(DataLine), c.Min.X, mid.Y, c.Max.X, mid.Y)
	}
	switch {
	case l.Mark != nil:
		c.DrawGlyph(l.Glyph(MarkSize), mid)
	case !item.Line:
		c.FillPolygon(l.Colour, []vg.Point{
			{X: mid.X - 5, Y: mid.Y - 4}, {X: mid.X + 5, Y: mid.Y - 4}, {X: mid.X + 5, Y: mid.Y + 4}, {X: mid.X - 5, Y: mid.Y + 4},
		})
	}
}
