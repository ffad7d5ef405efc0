package reports

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/budget"
	"github.com/tunnelbench/tunnelbench/reports/counts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Table writes the text table of a run, all at once or row by row while results arrive.
type Table struct {
	w   io.Writer
	tab *texttab.Table
}

// NewTable returns a table of devices. The caller decides about colour (terminal, NO_COLOR).
func NewTable(w io.Writer, duts []string, colour bool) *Table {
	t := &Table{w, texttab.New(textColumns()...)}
	t.tab.Colour = colour
	for _, name := range duts {
		first := &t.tab.Columns[0]
		first.Width = max(first.Width, utf8.RuneCountInString(strictjson.Short(name, show.MaxName)))
	}
	return t
}

// textColumns have fixed widths that fit usual values, because rows may be written before all
// values are known. Rates are always in thousand frames per second, so that a column can be
// compared by eye.
func textColumns() []texttab.Column {
	columns := []texttab.Column{texttab.Left("tunnel")}
	for _, c := range []struct {
		title string
		width int
	}{{"size", 5}, {"kfps", 8}, {"from–to", 15}, {"Mbit/s", 8}, {"of plain", 18}, {"p50 µs", 7}, {"p99 µs", 7}, {"cpu ns", 7}} {
		columns = append(columns, texttab.Column{Title: c.title, Width: c.width, Right: true})
	}
	return append(columns, texttab.Left("limited by"))
}

// Header writes the column titles.
func (t *Table) Header() error { return t.tab.Header(t.w) }

// Row writes the row of one device and size, or nothing if r has no such result.
func (t *Table) Row(r *result.Results, dut string, size rfc2544.FrameSize) error {
	m := matrix.NewMatrix(r)
	column := slices.Index(m.Sizes, size)
	for i := range m.Rows {
		if m.Rows[i].DUT != dut || column < 0 || len(m.Rows[i].Cells[column].Results) == 0 {
			continue
		}
		if err := t.row(&m.Rows[i], &m.Rows[i].Cells[column]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) row(r *matrix.Row, c *matrix.Cell) error {
	style := texttab.Plain
	switch {
	case c.Died:
		style = texttab.Bad
	case c.Unsupport || !c.Valid:
		style = texttab.Warn
	case r.Kind == result.KindCalibration:
		style = texttab.Dim
	}
	return t.tab.Row(t.w, style, append([]string{strictjson.Short(r.Label, show.MaxName)}, textsOf(r, c)...)...)
}

// textsOf returns the columns of a cell after the name.
func textsOf(r *matrix.Row, c *matrix.Cell) []string {
	out := []string{fmt.Sprint(int(c.Size)), show.None, "", show.None, show.None, show.None, show.None, show.None, c.Verdict()}
	if c.Rate != nil {
		out[1] = show.Kilo(c.Rate.Value)
		out[2] = c.RateBounds(show.Kilo)
		out[3] = show.Fixed(matrix.Megabits(c.Rate.Value, c.Size), 1, show.Thin)
	}
	if r.Kind != result.KindCalibration || r.DUT == result.PlainDUT {
		out[4] = c.ShareText()
	}
	for i, v := range []*rfc2544.Value{c.P50, c.P99} {
		if ns, ok := matrix.Nanos(v); ok {
			out[5+i] = show.Fixed(ns/1e3, 1, show.Thin)
		}
	}
	out[7] = matrix.NanoText(c.CPU)
	for i := range out {
		out[i] = strings.NewReplacer(show.Nbsp, " ", show.Thin, "", show.Minus, "-").Replace(out[i])
	}
	return out
}

// WriteText writes the whole table, sorted by size and kind, and the remarks on its numbers.
func WriteText(w io.Writer, r *result.Results, colour bool) error {
	if r.Comparison != nil && len(r.Results) == 0 {
		return errors.Join(WriteComparison(w, r.Comparison), budget.WriteText(w, r.Certificate))
	}
	m := matrix.NewMatrix(r)
	names := make([]string, len(m.Rows))
	for i := range m.Rows {
		names[i] = m.Rows[i].Label
	}
	t := NewTable(w, names, colour)
	if err := t.Header(); err != nil {
		return err
	}
	for j := range m.Sizes {
		if j > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		for i := range m.Rows {
			if c := &m.Rows[i].Cells[j]; len(c.Results) > 0 {
				if err := t.row(&m.Rows[i], c); err != nil {
					return err
				}
			}
		}
	}
	if err := rfcText(w, r); err != nil {
		return err
	}
	if err := streamTable(w, r); err != nil {
		return err
	}
	if err := WriteComparison(w, r.Comparison); err != nil {
		return err
	}
	if err := budget.WriteText(w, r.Certificate); err != nil {
		return err
	}
	if r.Counts != nil {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := counts.WriteText(w, r.Counts); err != nil {
			return err
		}
	}
	return t.notes(r, m)
}

// notes writes the remarks below the table.
func (t *Table) notes(r *result.Results, m *matrix.Matrix) error {
	lines := []string{"", "rate: " + matrix.RateTitle(m.Rate) + "; kfps: thousand frames per second, per direction; sizes include the FCS"}
	if m.Any(func(c matrix.Cell) bool { return c.Rate != nil && c.Rate.Rounds == 1 }) {
		lines = append(lines, "from–to: ~ is estimated from how the machine's speed drifted during the run; once: a single search, repeats may differ by more")
	}
	if m.SideBySide() {
		lines = append(lines, "of plain: rates of a closed loop, measured side by side at several times; in brackets the 95 % interval")
	}
	for i := range r.Results {
		res := &r.Results[i]
		at := fmt.Sprintf("%s, %d bytes: ", strictjson.Short(res.DUT, show.MaxName), int(res.FrameSize))
		if res.Unsupported != "" {
			lines = append(lines, at+"cannot run here: "+strictjson.Clean(res.Unsupported))
		}
		if res.Error != "" {
			lines = append(lines, at+"died: "+strictjson.Clean(res.Error))
		}
		if res.Valid && res.Test == rfc2544.NameLatency {
			continue // valid results: the page has their remarks
		}
		for _, remark := range remarks(res) {
			lines = append(lines, at+remark)
		}
	}
	_, err := io.WriteString(t.w, strings.Join(slices.Compact(lines), "\n")+"\n")
	return err
}
