package gate

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// verdictWords are the verdicts as users read them.
var verdictWords = map[string]string{
	Pass: "PASS", Fail: "FAIL", Inconclusive: "INCONCLUSIVE", Environment: "NOT MEASURABLE", Shown: "shown", Undecided: "not decided",
}

// cells returns a metric's table row: name, base, head, slowdown, interval, pairs, limit, verdict.
func cells(m *Metric) [8]string {
	row := [8]string{strictjson.Short(m.ID, show.MaxName), show.None, show.None, show.None, show.None, show.None, "", verdictWords[m.Verdict]}
	unit := strictjson.Clean(m.Unit)
	for i, v := range []*float64{m.Base, m.Head} {
		if v != nil {
			row[1+i] = show.Digits(*v, " ") + " " + unit
		}
	}
	if len(m.Series) > 0 {
		s := m.Series[0] // the reason describes the second series
		if s.Slowdown != nil {
			row[3] = signed(*s.Slowdown)
			row[4] = signed(*s.Lower) + " to " + signed(*s.Upper)
		}
		row[5] = strconv.Itoa(s.Pairs)
	}
	switch {
	case m.Verdict == Shown:
	case m.Unit == "allocations": // no ratio to a base of zero
		row[6] = fmt.Sprintf("+%.3g", m.Limit)
	default:
		row[6] = fmt.Sprintf("%.3g %%", 100*m.Limit)
	}
	return row
}

// signed formats a slowdown with its sign.
func signed(v float64) string {
	if max(v, -v) >= manyTimes {
		return fmt.Sprintf("%+.0f times", v)
	}
	return fmt.Sprintf("%+.1f %%", 100*v)
}

var heads = [8]string{"metric", "base", "head", "slower by", "interval", "pairs", "limit", "verdict"}

// table returns a table with a row for each metric; clean is applied to each cell.
func table(g *Report, clean func(string) string) *texttab.Table {
	t := &texttab.Table{}
	for i, title := range heads {
		t.Columns = append(t.Columns, texttab.Column{Title: title, Right: i > 0 && i < len(heads)-1})
	}
	for i := range g.Metrics {
		row := cells(&g.Metrics[i])
		for k := range row {
			row[k] = clean(row[k])
		}
		t.Add(row[:]...)
	}
	return t
}

// Table returns the report as text for a terminal.
func Table(g *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s, base %s, head %s\n", verdictWords[g.Verdict], strictjson.Clean(g.Why), strictjson.Clean(g.Device), g.Base.name(), g.Head.name())
	if len(g.Metrics) > 0 {
		b.WriteString("\n")
		_ = table(g, func(s string) string { return s }).Text(&b) // a Builder never fails
	}
	for _, m := range g.undecided() {
		fmt.Fprintf(&b, "%s: %s\n", strictjson.Clean(m.ID), strictjson.Clean(m.Why))
	}
	for _, w := range g.Warnings {
		b.WriteString(strictjson.Clean(w) + "\n")
	}
	if mend := g.Mend(); mend != "" {
		b.WriteString("What to do: " + mend + "\n")
	}
	return b.String()
}

// undecided returns the metrics that are judged and do not pass.
func (g *Report) undecided() (some []Metric) {
	for _, m := range g.Metrics {
		if m.Verdict != Pass && m.Verdict != Shown {
			some = append(some, m)
		}
	}
	return some
}

// name returns a short name of a side.
func (s Side) name() string {
	if s.Commit == "" {
		return strictjson.Short(s.Revision, 64)
	}
	return fmt.Sprintf("%s (%.12s)", strictjson.Short(s.Revision, 64), strictjson.Clean(s.Commit))
}

// Marker is the first line of the pull request comment. CI finds the previous comment by it and
// replaces it.
const Marker = "<!-- tunnelbench-gate:v1 -->"

// mostComment is the largest comment, in bytes.
const mostComment = 16 << 10

// Markdown returns the report as a pull request comment of at most 16 KiB. It escapes all names,
// because the pull request controls them.
func Markdown(g *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## %s: %s\n\n%s\n\n", Marker, verdictWords[g.Verdict], show.Markdown(g.Device), show.Markdown(g.Why))
	if len(g.Metrics) > 0 {
		_ = table(g, show.Markdown).Markdown(&b) // a Builder never fails
		b.WriteString("\n")
	}
	if some := g.undecided(); len(some) > 1 { // of one, the reason above is its own
		for _, m := range some {
			fmt.Fprintf(&b, "- %s: %s\n", show.Markdown(strictjson.Short(m.ID, show.MaxName)), show.Markdown(strictjson.Short(m.Why, 400)))
		}
	}
	for _, w := range g.Warnings {
		fmt.Fprintf(&b, "- %s\n", show.Markdown(strictjson.Short(w, 400)))
	}
	if mend := g.Mend(); mend != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s\n", show.Markdown(mend))
	}
	fmt.Fprintf(&b, "\n<details><summary>How it was measured</summary>\n\nBase %s, head %s; %d pairs in random order, fresh processes and namespaces for each half. A metric passes if the upper end of its interval is below its limit, and fails if two series show it to be slower. The risk of a wrong verdict is at most %.3g %% over all metrics.\nHost: %s, %d cores, Linux %s.\n\n%s\n\n</details>\n",
		show.Markdown(g.Base.name()), show.Markdown(g.Head.name()), g.Pairs, 100*g.Risk, show.Markdown(strictjson.Short(g.Host.CPU, 100)), g.Host.Cores, show.Markdown(strictjson.Short(g.Host.Kernel, 100)),
		"    "+strings.Join(strings.Fields(strictjson.Short(strings.Join(g.Command, " "), 1000)), " "))
	text := b.String()
	if len(text) > mostComment {
		const note = "\n\n(cut: gate.json has it all)\n"
		end := mostComment - len(note)
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + note
	}
	return text
}

// Benchfmt returns both sets in the Go benchmark format for benchstat, with a line for each half of
// a pair. The key "side" distinguishes the sides.
func Benchfmt(base, head *Set) string {
	var b strings.Builder
	for _, s := range []*Set{base, head} {
		fmt.Fprintf(&b, "side: %s\ncommit: %s\n", s.Side, show.Word(s.Commit))
		for _, m := range s.Metrics {
			for _, t := range s.Turns {
				if v := t.Values[m.ID()]; v != nil {
					fmt.Fprintf(&b, "BenchmarkGate/dut=%s/metric=%s 1 %s %s\n", show.Word(s.Device), show.Word(m.ID()), strconv.FormatFloat(*v, 'g', -1, 64), show.Word(m.Unit))
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
