package reports

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// Formats lists the formats that Format can write.
var Formats = []string{"md", "csv", "benchfmt", "junit"}

// Format writes the runs for other programs, one run after the other. It never puts numbers of
// different machines side by side.
func Format(name string, runs []*result.Results) ([]byte, error) {
	switch name {
	case "md":
		return formatMarkdown(runs), nil
	case "csv":
		return formatCSV(runs)
	case "benchfmt":
		return formatBench(runs), nil
	case "junit":
		return formatJUnit(runs)
	}
	return nil, fmt.Errorf("format %q: use %s", name, strings.Join(Formats, ", "))
}

// hostOf returns a short description of the machine.
func hostOf(r *result.Results) string { return r.Host.Summary() }

// formatMarkdown writes a table for each run with a line for each result. It escapes all names,
// which are untrusted.
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

// formatCSV writes a line for each value, without cells that a spreadsheet would read as a formula.
func formatCSV(runs []*result.Results) ([]byte, error) {
	var b bytes.Buffer
	var t texttab.Table
	for _, title := range []string{"host", "started", "profile", "dut", "kind", "direction", "frame_size", "test", "name", "value", "unit", "lower", "upper", "valid", "limited_by"} {
		t.Columns = append(t.Columns, texttab.Left(title))
	}
	for _, r := range runs {
		for i := range r.Results {
			res := &r.Results[i]
			for _, v := range res.Values {
				t.Add(
					plain(hostOf(r)), r.Started.UTC().Format("2006-01-02T15:04:05Z"), plain(r.Profile), plain(res.DUT), plain(res.Kind), plain(res.Direction),
					strconv.Itoa(int(res.FrameSize)), plain(res.Test), plain(v.Name), exact(&v.Value), plain(v.Unit), exact(v.Lower), exact(v.Upper),
					strconv.FormatBool(res.Valid), plain(res.LimitedBy),
				)
			}
		}
	}
	err := t.CSV(&b)
	return b.Bytes(), err
}

// plain returns text that no spreadsheet reads as a formula.
func plain(s string) string {
	s = strictjson.Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// exact formats a number so that parsing returns the same number; nil gives an empty string.
func exact(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// formatBench writes the Go benchmark format for benchstat, a line for each value.
func formatBench(runs []*result.Results) []byte {
	var b bytes.Buffer
	for _, r := range runs {
		fmt.Fprintf(&b, "cpu: %s\nkernel: %s\ncommit: %s\n", strictjson.Clean(r.Host.CPU), show.Word(r.Host.Kernel), show.Word(r.Tool.Commit))
		for i := range r.Results {
			res := &r.Results[i]
			for _, v := range res.Values {
				if !res.Valid {
					continue
				}
				fmt.Fprintf(&b, "Benchmark%s/dut=%s/size=%d/direction=%s/metric=%s 1 %s %s\n",
					benchName(res.Test), show.Word(res.DUT), int(res.FrameSize), show.Word(res.Direction), show.Word(v.Name), exact(&v.Value), show.Word(v.Unit))
			}
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// benchName starts with an upper case letter, as the benchmark format requires.
func benchName(test string) string {
	if test = show.Word(test); test == "" {
		return "Test"
	}
	return strings.ToUpper(test[:1]) + test[1:]
}

// formatJUnit writes a test case for each result. A device that died is a failure, an invalid
// result an error, and a device that cannot run here is skipped.
func formatJUnit(runs []*result.Results) ([]byte, error) {
	s := junit.Suite{Name: "tunnelbench", Time: "0.000"}
	for _, r := range runs {
		for i := range r.Results {
			c := junitResult(&r.Results[i])
			s.Tests++
			s.Failures += len(c.Failures)
			if c.Error != nil {
				s.Errors++
			}
			if c.Skipped != nil {
				s.Skipped++
			}
			s.Cases = append(s.Cases, c)
		}
	}
	return junit.Marshal(s)
}

func junitResult(r *result.Result) junit.Case {
	c := junit.Case{Classname: strictjson.Clean(r.DUT), Name: fmt.Sprintf("%s, %d bytes, %s", strictjson.Clean(r.Test), int(r.FrameSize), strictjson.Clean(r.Direction)), Time: "0.000"}
	switch {
	case r.Unsupported != "":
		c.Skipped = &junit.Fault{Message: strictjson.Clean(r.Unsupported), Type: "unsupported"}
	case r.Error != "":
		c.Failures = []junit.Fault{{Message: strictjson.Clean(r.Error), Type: "died"}}
	case !r.Valid:
		c.Error = &junit.Fault{Message: strictjson.Clean(strings.Join(r.Warnings, "; ")), Type: "not valid"}
	}
	return c
}
