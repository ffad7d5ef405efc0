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

// verdictWords are the verdicts for people.
var verdictWords = map[string]string{
	Pass: "PASS", Fail: "FAIL", Inconclusive: "INCONCLUSIVE", Environment: "NOT MEASURABLE", Shown: "shown", Undecided: "not decided",
}

// cells is one metric as cells: name, base, head, slowdown, interval, pairs, limit, verdict.
func cells(m *Metric) [8]string {
	row := [8]string{strictjson.Short(m.ID, show.MaxName), show.None, show.None, show.None, show.None, show.None, "", verdictWords[m.Verdict]}
	unit := strictjson.Clean(m.Unit)
	for i, v := range []*float64{m.Base, m.Head} {
		if v != nil {
			row[1+i] = show.Digits(*v, " ") + " " + unit
		}
	}
	if len(m.Series) > 0 {
		s := m.Series[0] // what a second series says stands in the reason
		if s.Slowdown != nil {
			row[3] = signed(*s.Slowdown)
			row[4] = signed(*s.Lower) + " to " + signed(*s.Upper)
		}
		row[5] = strconv.Itoa(s.Pairs)
	}
	switch {
	case m.Verdict == Shown:
	case m.Unit == "allocations": // of nothing there is no share
		row[6] = fmt.Sprintf("+%.3g", m.Limit)
	default:
		row[6] = fmt.Sprintf("%.3g %%", 100*m.Limit)
	}
	return row
}

// signed is a slowdown with its sign.
func signed(v float64) string { return fmt.Sprintf("%+.1f %%", 100*v) }

var heads = [8]string{"metric", "base", "head", "slower by", "interval", "pairs", "limit", "verdict"}

// table has a row for each metric; clean says what becomes of a cell.
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

// Table is the verdict for a terminal.
func Table(g *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s, base %s, head %s\n", verdictWords[g.Verdict], strictjson.Clean(g.Why), strictjson.Clean(g.Device), g.Base.name(), g.Head.name())
	if len(g.Metrics) > 0 {
		b.WriteString("\n")
		_ = table(g, func(s string) string { return s }).Text(&b) // a Builder takes everything
	}
	for _, m := range g.Metrics {
		if m.Verdict != Pass && m.Verdict != Shown {
			fmt.Fprintf(&b, "%s: %s\n", strictjson.Clean(m.ID), strictjson.Clean(m.Why))
		}
	}
	for _, w := range g.Warnings {
		b.WriteString(strictjson.Clean(w) + "\n")
	}
	return b.String()
}

// name is a side in a few words.
func (s Side) name() string {
	return fmt.Sprintf("%s (%.12s)", strictjson.Short(s.Revision, 64), strictjson.Clean(s.Commit))
}

// Marker begins the comment on a pull request, so that the next one takes its place.
const Marker = "<!-- tunnelbench-gate:v1 -->"

// mostComment is the largest comment, in bytes.
const mostComment = 16 << 10

// Markdown is the verdict as a comment on a pull request, at most 16 KiB long. All names are
// hostile: they come from the pull request.
func Markdown(g *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## %s: %s\n\n%s\n\n", Marker, verdictWords[g.Verdict], show.Markdown(g.Device), show.Markdown(g.Why))
	if len(g.Metrics) > 0 {
		_ = table(g, show.Markdown).Markdown(&b) // a Builder takes everything
		b.WriteString("\n")
	}
	for _, w := range g.Warnings {
		fmt.Fprintf(&b, "- %s\n", show.Markdown(strictjson.Short(w, 400)))
	}
	fmt.Fprintf(&b, "\n<details><summary>How it was measured</summary>\n\nBase %s, head %s; %d pairs in random order, fresh processes and namespaces for each half, risk %.3g over all metrics.\nHost: %s, %d cores, Linux %s.\n\n%s\n\n</details>\n",
		show.Markdown(g.Base.name()), show.Markdown(g.Head.name()), g.Pairs, g.Risk, show.Markdown(strictjson.Short(g.Host.CPU, 100)), g.Host.Cores, show.Markdown(strictjson.Short(g.Host.Kernel, 100)),
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

// Benchfmt is both sets in the Go benchmark format, for benchstat: a line for each
// half of a pair, the sides told apart by the key "side".
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
