package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Text returns the field as tables for a terminal, one for each group, and a line for each device that does not work.
func Text(f *field.Field) string {
	var b strings.Builder
	for _, t := range tablesOf(f) {
		columns := []texttab.Column{texttab.Right("rank"), texttab.Left(strings.ToLower(t.Title))}
		for _, head := range t.Heads[1:] {
			columns = append(columns, texttab.Right(head))
		}
		columns = append(columns, texttab.Left("what"))
		out, why := texttab.New(columns...), ""
		for _, r := range t.Rows {
			if r.Why != "" {
				why += fmt.Sprintf("%s: %s\n", strictjson.Clean(r.Name), strictjson.Clean(r.Why))
				continue
			}
			line := []string{r.Rank, strictjson.Short(r.Name, 40)}
			for _, c := range r.Cells {
				line = append(line, textOf(c))
			}
			out.Add(append(line, strictjson.Short(r.What, 60))...)
		}
		_ = out.Text(&b) // a strings.Builder takes everything
		fmt.Fprintf(&b, "%s\n", why)
	}
	for _, d := range f.Missing() {
		fmt.Fprintf(&b, "%s: %s: %s\n", strictjson.Clean(d.Name), d.State, strictjson.Clean(d.Why))
	}
	return b.String()
}

// textOf returns a cell on one line.
func textOf(c cell) string {
	text := c.Text
	if len(c.Below) > 0 {
		text += " (" + strings.Join(c.Below, ", ") + ")"
	}
	return show.PlainText.Replace(strictjson.Clean(text))
}

// Agreement says how far two runs agree about the order of the devices at a frame size.
func Agreement(size rfc2544.FrameSize, a field.Agreement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d bytes: %d devices in both, %d pairs: tau-b %s with ties, tau-a %s of the values alone\n", size, a.Devices, a.Pairs, tau(a.Tau), tau(a.Raw))
	fmt.Fprintf(&b, "  %d in the same order, %d in the opposite one; the intervals overlap of %d in A, of %d in B\n", a.Concordant, a.Discordant, a.TiedA, a.TiedB)
	for _, pair := range a.Opposed {
		fmt.Fprintf(&b, "  only in A: %s\n", strictjson.Clean(pair))
	}
	return b.String()
}

// tau formats a correlation; with nothing to order there is none.
func tau(v float64) string {
	if math.IsNaN(v) {
		return show.None
	}
	return fmt.Sprintf("%.3f", v)
}
