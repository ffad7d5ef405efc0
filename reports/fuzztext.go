package reports

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/reports/show"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// FuzzTable is the plain table of a campaign: one line for each target, one
// block for each finding, and the verdict.
func FuzzTable(f *Fuzz) string {
	width := len("target")
	for i := range f.Targets {
		width = max(width, utf8.RuneCountInString(strictjson.Short(f.Targets[i].Name, show.MaxName)))
	}
	heads := make([]string, len(fuzzColumns))
	for i, c := range fuzzColumns {
		heads[i] = c.slim
	}
	var b strings.Builder
	b.WriteString(fuzzRow(width, "target", heads, "verdict"))
	for i := range f.Targets {
		t := &f.Targets[i]
		cells := make([]string, len(fuzzColumns))
		for j, c := range fuzzColumns {
			cells[j] = show.PlainText.Replace(c.text(t))
		}
		b.WriteString(fuzzRow(width, strictjson.Short(t.Name, show.MaxName), cells, t.verdict()))
	}
	for i := range f.Targets {
		b.WriteString(fuzzBlocks(&f.Targets[i], "\n"))
	}
	b.WriteString(show.PlainText.Replace("\n" + f.verdict() + "; " + f.effort() + "\n"))
	return b.String()
}

// FuzzLine is one target as a line of text with its findings below, for those
// who watch.
func FuzzLine(t FuzzTarget) string {
	name := strictjson.Short(t.Name, show.MaxName)
	text := fmt.Sprintf("%s%s %s executions, %s per s, %s CPU, corpus of %d: %s\n", name, show.Spaces(16-utf8.RuneCountInString(name)),
		show.Count(t.Executions), t.executionRate(), spent(float64(t.CPUTime)), t.Corpus, t.verdict())
	return show.PlainText.Replace(text) + fuzzBlocks(&t, "")
}

func fuzzRow(width int, name string, cells []string, verdict string) string {
	line := name + show.Spaces(width-utf8.RuneCountInString(name))
	for i, c := range fuzzColumns {
		line += "  " + show.Spaces(c.width-utf8.RuneCountInString(cells[i])) + cells[i]
	}
	return line + "  " + verdict + "\n"
}

// fuzzBlocks are what is to be said of a target beside its numbers, each block
// behind sep.
func fuzzBlocks(t *FuzzTarget, sep string) string {
	var b strings.Builder
	if t.Unconfirmed > 0 {
		fmt.Fprintf(&b, "%s%s: %d inputs that no replay finds broken are kept in the folder unconfirmed\n", sep, strictjson.Short(t.Name, show.MaxName), t.Unconfirmed)
	}
	if t.Error != "" {
		b.WriteString(sep + strictjson.Short(t.Name, show.MaxName) + ": not attacked to the end: " + strictjson.Clean(t.Error) + "\n")
	}
	for i := range t.Findings {
		b.WriteString(sep + findingBlock(t, &t.Findings[i]))
	}
	return b.String()
}

// findingBlock is one finding in some lines, the command alone in the last, as
// a terminal copies it.
func findingBlock(t *FuzzTarget, f *Finding) string {
	lines := []string{
		"finding " + strictjson.Clean(f.ID) + " of " + strictjson.Short(t.Name, show.MaxName) + ": oracle " + strictjson.Clean(f.Oracle) + ": " + strictjson.Clean(f.Seen),
		"  place      " + f.place(),
		"  found      " + show.PlainText.Replace(plural(f.Times, "time")+", first after "+f.moment()),
		"  input      " + plural(f.Octets, "octet"),
	}
	for _, path := range f.Files {
		lines = append(lines, "  file       "+strictjson.Clean(path))
	}
	if f.Reproduce != "" {
		lines = append(lines, "  reproduce  "+strictjson.Clean(f.Reproduce))
	}
	return strings.Join(lines, "\n") + "\n"
}
