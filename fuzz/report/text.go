package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// Table returns a campaign as text: one line for each target, one block for each finding, and the verdict.
func Table(f *Campaign) string {
	tab := texttab.New(texttab.Left("target"))
	for _, c := range Columns {
		tab.Columns = append(tab.Columns, texttab.Right(c.slim))
	}
	tab.Columns = append(tab.Columns, texttab.Left("verdict"))
	for i := range f.Targets {
		t := &f.Targets[i]
		cells := []string{strictjson.Short(t.Name, show.MaxName)}
		for _, c := range Columns {
			cells = append(cells, show.PlainText.Replace(c.Text(t)))
		}
		tab.Add(append(cells, t.Verdict())...)
	}
	var b strings.Builder
	_ = tab.Text(&b) // a Builder takes everything
	for i := range f.Targets {
		b.WriteString(blocks(&f.Targets[i], "\n"))
	}
	b.WriteString(show.PlainText.Replace("\n" + f.Verdict() + "; " + f.effort() + "\n"))
	return b.String()
}

// Line returns the result of one target as a line of text, followed by its findings, for progress output.
func Line(t Target) string {
	name := strictjson.Short(t.Name, show.MaxName)
	text := fmt.Sprintf("%s%s %s executions, %s per s, %s CPU, corpus of %d: %s\n", name, show.Spaces(16-utf8.RuneCountInString(name)),
		show.Count(t.Executions), t.executionRate(), Spent(float64(t.CPUTime)), t.Corpus, t.Verdict())
	return show.PlainText.Replace(text) + blocks(&t, "")
}

// Progress returns the state of an attack in one short line, without its end.
func Progress(t *Target) string {
	return fmt.Sprintf("%s: %d executions, %d findings", t.Name, t.Executions, len(t.Findings))
}

// blocks returns the findings, errors and unconfirmed inputs of a target. Each block follows sep.
func blocks(t *Target, sep string) string {
	var b strings.Builder
	if t.Unconfirmed > 0 {
		fmt.Fprintf(&b, "%s%s: %d inputs that no replay confirms are kept in the folder unconfirmed\n", sep, strictjson.Short(t.Name, show.MaxName), t.Unconfirmed)
	}
	if t.Error != "" {
		b.WriteString(sep + strictjson.Short(t.Name, show.MaxName) + ": not attacked to the end: " + strictjson.Clean(t.Error) + "\n")
	}
	for i := range t.Findings {
		b.WriteString(sep + findingBlock(t, &t.Findings[i]))
	}
	return b.String()
}

// findingBlock returns one finding in several lines. The last line holds only the command, so that it can
// be copied from a terminal.
func findingBlock(t *Target, f *Finding) string {
	lines := []string{
		"finding " + strictjson.Clean(f.ID) + " of " + strictjson.Short(t.Name, show.MaxName) + ": oracle " + strictjson.Clean(f.Oracle) + ": " + strictjson.Clean(f.Seen),
		"  place      " + f.Place(),
		"  found      " + show.PlainText.Replace(Plural(f.Times, "time")+", first after "+f.Moment()),
		"  input      " + Plural(f.Octets, "byte"),
	}
	for _, path := range f.Files {
		lines = append(lines, "  file       "+strictjson.Clean(path))
	}
	if f.Reproduce != "" {
		lines = append(lines, "  reproduce  "+strictjson.Clean(f.Reproduce))
	}
	return strings.Join(lines, "\n") + "\n"
}
