package reports

import (
	"bytes"
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

var _ = register("md", func(runs []*result.Results) ([]byte, error) { return formatMarkdown(runs), nil })

// formatMarkdown writes a table for each run. It escapes all names, which are untrusted.
func formatMarkdown(runs []*result.Results) []byte {
	var b bytes.Buffer
	for i, r := range runs {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "**%s**, profile %s, %s\n\n", show.Markdown(hostOf(r)), show.Markdown(strictjson.Short(r.Profile, 60)), r.Started.UTC().Format("2006-01-02 15:04"))
		_ = markdownTable(r).Markdown(&b) // a Buffer never fails
	}
	return b.Bytes()
}

// markdownTable has a row for each device and size.
func markdownTable(r *result.Results) *texttab.Table {
	m := matrix.NewMatrix(r)
	t := texttab.New(texttab.Left("tunnel"), texttab.Right("size"), texttab.Right(show.Markdown(m.Rate)+", kfps"), texttab.Right("of plain"),
		texttab.Right("latency p50 / p99, µs"), texttab.Right("CPU, ns a frame"), texttab.Left("limited by"), texttab.Left("valid"))
	for j := range m.Rows {
		for k := range m.Rows[j].Cells {
			if c := &m.Rows[j].Cells[k]; len(c.Results) > 0 {
				t.Add(markdownCells(&m.Rows[j], c)...)
			}
		}
	}
	return t
}

func markdownCells(r *matrix.Row, c *matrix.Cell) []string {
	rate, valid := show.None, "yes"
	if c.Rate != nil {
		rate = show.Kilo(c.Rate.Value)
	}
	if !c.Valid || c.Unsupport || c.Died {
		valid = "**no**"
	}
	cells := []string{r.Label, charts.SizeText(c.Size), rate, c.ShareText(), matrix.MicroText(c.P50) + " / " + matrix.MicroText(c.P99), matrix.NanoText(c.CPU), limitWord(r, c)}
	for i := range cells {
		cells[i] = show.Markdown(strictjson.Short(cells[i], show.MaxName))
	}
	return append(cells, valid)
}
