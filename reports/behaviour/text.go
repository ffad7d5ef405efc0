package behaviour

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/texttab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Text returns a table of the verdicts, and below it what was found about each device.
func Text(r *Report) string {
	var b strings.Builder
	columns := []texttab.Column{texttab.Left("device")}
	for _, t := range r.Tests {
		columns = append(columns, texttab.Left(t.Name))
	}
	table := texttab.New(columns...)
	for _, d := range r.Devices {
		row := []string{d.Device}
		for _, f := range d.Findings {
			row = append(row, string(f.Verdict))
		}
		table.Add(row...)
	}
	_ = table.Text(&b) // a strings.Builder takes everything
	for _, d := range r.Devices {
		fmt.Fprintf(&b, "\n%s\n", d.Device)
		_ = details(d).Text(&b)
	}
	return b.String()
}

// details returns the findings about a device as a table.
func details(d Device) *texttab.Table {
	table := texttab.New(texttab.Left("test"), texttab.Left("verdict"), texttab.Left("found"))
	for _, f := range d.Findings {
		lines := f.Lines()
		table.Add(f.Test, string(f.Verdict), lines[0])
		for _, line := range lines[1:] {
			table.Add("", "", line)
		}
	}
	return table
}

// Lines returns what a test found: the facts in one line, the values in lines of at most four, and the reason
// with the rule. It has one line at least.
func (f Finding) Lines() (lines []string) {
	const most = 4 // values in a line
	var words []string
	for _, w := range f.Facts {
		words = append(words, w.Name+": "+w.Is)
	}
	if words != nil {
		lines = append(lines, strings.Join(words, ", "))
	}
	for i := 0; i < len(f.Values); i += most {
		var values []string
		for _, v := range f.Values[i:min(i+most, len(f.Values))] {
			values = append(values, v.Name+" "+quantity(v))
		}
		lines = append(lines, strings.Join(values, ", "))
	}
	switch {
	case f.Why != "" && f.Rule != "":
		lines = append(lines, f.Why+" ("+f.Rule+")")
	case f.Why != "" || f.Rule != "":
		lines = append(lines, f.Why+f.Rule)
	}
	if lines == nil {
		lines = []string{""}
	}
	return lines
}

// quantity returns a value with its unit, to four digits.
func quantity(v rfc2544.Value) string {
	const digits = 4
	text := strconv.FormatFloat(v.Value, 'g', digits, 64)
	if v.Value == float64(int64(v.Value)) {
		text = strconv.FormatInt(int64(v.Value), 10)
	}
	return text + " " + v.Unit
}
