package reports

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// gateWords are the verdicts for people.
var gateWords = map[string]string{
	GatePass: "PASS", GateFail: "FAIL", GateInconclusive: "INCONCLUSIVE", GateEnvironment: "NOT MEASURABLE", GateShown: "shown", GateUndecided: "not decided",
}

// gateRow is one metric as cells: name, base, head, slowdown, interval, pairs, limit, verdict.
func gateRow(m *GateMetric) [8]string {
	row := [8]string{strictjson.Short(m.ID, show.MaxName), show.None, show.None, show.None, show.None, show.None, "", gateWords[m.Verdict]}
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
	case m.Verdict == GateShown:
	case m.Unit == "allocations": // of nothing there is no share
		row[6] = fmt.Sprintf("+%.3g", m.Limit)
	default:
		row[6] = fmt.Sprintf("%.3g %%", 100*m.Limit)
	}
	return row
}

// signed is a slowdown with its sign.
func signed(v float64) string { return fmt.Sprintf("%+.1f %%", 100*v) }

var gateHeads = [8]string{"metric", "base", "head", "slower by", "interval", "pairs", "limit", "verdict"}

// GateTable is the verdict for a terminal.
func GateTable(g *Gate) string {
	rows := [][8]string{gateHeads}
	for i := range g.Metrics {
		rows = append(rows, gateRow(&g.Metrics[i]))
	}
	var width [8]int
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s, base %s, head %s\n", gateWords[g.Verdict], strictjson.Clean(g.Why), strictjson.Clean(g.Device), g.Base.name(), g.Head.name())
	if len(rows) > 1 {
		b.WriteString("\n")
		for _, row := range rows {
			for i, cell := range row {
				pad := show.Spaces(width[i] - utf8.RuneCountInString(cell))
				if i > 0 && i < 7 {
					cell = pad + cell
				} else {
					cell += pad
				}
				row[i] = cell
			}
			b.WriteString(strings.TrimRight(strings.Join(row[:], "  "), " ") + "\n")
		}
	}
	for _, m := range g.Metrics {
		if m.Verdict != GatePass && m.Verdict != GateShown {
			fmt.Fprintf(&b, "%s: %s\n", strictjson.Clean(m.ID), strictjson.Clean(m.Why))
		}
	}
	for _, w := range g.Warnings {
		b.WriteString(strictjson.Clean(w) + "\n")
	}
	return b.String()
}

// name is a side in a few words.
func (s GateSide) name() string {
	return fmt.Sprintf("%s (%.12s)", strictjson.Short(s.Revision, 64), strictjson.Clean(s.Commit))
}

// GateMarker begins the comment on a pull request, so that the next one takes its place.
const GateMarker = "<!-- tunnelbench-gate:v1 -->"

// mostComment is the largest comment, in octets.
const mostComment = 16 << 10

// GateMarkdown is the verdict as a comment on a pull request, at most 16 KiB long. All names are
// hostile: they come from the pull request.
func GateMarkdown(g *Gate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## %s: %s\n\n%s\n\n", GateMarker, gateWords[g.Verdict], markdown(g.Device), markdown(g.Why))
	if len(g.Metrics) > 0 {
		fmt.Fprintf(&b, "| %s |\n|---|---:|---:|---:|---:|---:|---:|---|\n", strings.Join(gateHeads[:], " | "))
		for i := range g.Metrics {
			row := gateRow(&g.Metrics[i])
			for k := range row {
				row[k] = markdown(row[k])
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row[:], " | "))
		}
		b.WriteString("\n")
	}
	for _, w := range g.Warnings {
		fmt.Fprintf(&b, "- %s\n", markdown(strictjson.Short(w, 400)))
	}
	fmt.Fprintf(&b, "\n<details><summary>How it was measured</summary>\n\nBase %s, head %s; %d pairs in random order, fresh processes and namespaces for each half, risk %.3g over all metrics.\nHost: %s, %d cores, Linux %s.\n\n%s\n\n</details>\n",
		markdown(g.Base.name()), markdown(g.Head.name()), g.Pairs, g.Risk, markdown(strictjson.Short(g.Host.CPU, 100)), g.Host.Cores, markdown(strictjson.Short(g.Host.Kernel, 100)),
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

// markdown is text that stays text within a table, a heading or a paragraph: no markup, no
// mention of anybody, no link.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range strictjson.Clean(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#' || r == ':': // whom it would call, what it would link to
			fmt.Fprintf(&b, "&#%d;", r)
		case r < 0x80 && strings.ContainsRune("\\`*_{}[]()!|~", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// GateBenchfmt is both sets in the Go benchmark format, for benchstat: a line for each
// half of a pair, the sides told apart by the key "side".
func GateBenchfmt(base, head *Set) string {
	var b strings.Builder
	for _, s := range []*Set{base, head} {
		fmt.Fprintf(&b, "side: %s\ncommit: %s\n", s.Side, word(s.Commit))
		for _, m := range s.Metrics {
			for _, t := range s.Turns {
				if v := t.Values[m.ID()]; v != nil {
					fmt.Fprintf(&b, "BenchmarkGate/dut=%s/metric=%s 1 %s %s\n", word(s.Device), word(m.ID()), strconv.FormatFloat(*v, 'g', -1, 64), word(m.Unit))
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// word is text without spaces: the format's fields are parted by them.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' {
			return '_'
		}
		return r
	}, strictjson.Short(s, 200))
}
