package report

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// totals are the sums over a campaign's targets. Executions and CPU time are floats, because a file may
// claim counts whose sum overflows an integer.
type totals struct {
	Executions float64
	CPU        float64 // nanoseconds
	Findings   int
	broken     int // targets with a finding
	Unfinished int // targets that were not attacked to the end
}

func TotalsOf(f *Campaign) (sum totals) {
	for i := range f.Targets {
		t := &f.Targets[i]
		sum.Executions += float64(t.Executions)
		sum.CPU += float64(t.CPUTime)
		sum.Findings += len(t.Findings)
		if len(t.Findings) > 0 {
			sum.broken++
		}
		if t.Error != "" {
			sum.Unfinished++
		}
	}
	return sum
}

// Verdict returns the result of a campaign in words. Without findings, a target that was not attacked to
// the end means no verdict.
func (f *Campaign) Verdict() string {
	sum, all := TotalsOf(f), len(f.Targets)
	switch {
	case all == 0:
		return "No verdict: nothing was attacked"
	case sum.Findings > 0:
		return fmt.Sprintf("%s in %d of %s", Plural(sum.Findings, "finding"), sum.broken, Plural(all, "target"))
	case sum.Unfinished > 0:
		return fmt.Sprintf("No verdict: %d of %s not attacked to the end", sum.Unfinished, Plural(all, "target"))
	}
	return "No finding in " + Plural(all, "target")
}

// effort returns how many executions and how much CPU time a campaign took.
func (f *Campaign) effort() string {
	sum := TotalsOf(f)
	return fmt.Sprintf("%s executions, %s of CPU time", show.Fixed(sum.Executions, 0, show.Thin), Spent(sum.CPU))
}

// Spent formats a time in nanoseconds: in seconds up to two minutes, then as 1h2m3s.
func Spent(ns float64) string {
	d := time.Duration(min(max(ns, 0), math.MaxInt64/2)) // a large float may overflow a Duration
	if d < 2*time.Minute {
		return show.Span(d)
	}
	return d.Round(time.Second).String()
}

// Verdict returns the result of one target in words.
func (t *Target) Verdict() string {
	var words []string
	if t.Error != "" {
		words = append(words, "not attacked to the end")
	}
	if len(t.Findings) > 0 {
		words = append(words, Plural(len(t.Findings), "finding"))
	}
	return cmp.Or(strings.Join(words, ", "), "no finding")
}

func (t *Target) executionRate() string {
	if t.Elapsed <= 0 {
		return show.None
	}
	return show.Fixed(float64(t.Executions)/t.Elapsed.Seconds(), 0, show.Thin)
}

// firstFind returns the elapsed time and the CPU time of the first finding.
func (t *Target) firstFind() string {
	if len(t.Findings) == 0 {
		return show.None
	}
	first := &t.Findings[0]
	for i := range t.Findings {
		if t.Findings[i].FoundAt < first.FoundAt {
			first = &t.Findings[i]
		}
	}
	return first.Moment()
}

func (f *Finding) Moment() string {
	return Spent(float64(f.FoundAt)) + ", " + Spent(float64(f.FoundCPU)) + " CPU"
}

// Column is one column of the tables of targets.
type Column struct {
	Head, slim string // headings on the page and in the text table
	Text       func(*Target) string
}

var Columns = []Column{
	{"executions", "executions", func(t *Target) string { return show.Count(t.Executions) }},
	{"per second", "per s", (*Target).executionRate},
	{"CPU time", "cpu", func(t *Target) string { return Spent(float64(t.CPUTime)) }},
	{"corpus", "corpus", func(t *Target) string { return strconv.Itoa(t.Corpus) }},
	{"findings", "findings", func(t *Target) string { return strconv.Itoa(len(t.Findings)) }},
	{"first find", "first find", (*Target).firstFind},
}

// Place returns the location of a finding: the innermost frame inside the module, or else the innermost
// frame.
func (f *Finding) Place() string {
	for _, frame := range f.Stack {
		if frame.ours() {
			return frame.String()
		}
	}
	if len(f.Stack) > 0 {
		return f.Stack[0].String()
	}
	return "unknown"
}

// ours reports whether the file is a path within the module. A path with a version belongs to another
// module; a path that begins with $ belongs to the toolchain.
func (s StackFrame) ours() bool {
	if s.File == "" || strings.ContainsAny(s.File, `\:@`) || strings.HasPrefix(s.File, "$") {
		return false
	}
	for step := range strings.SplitSeq(s.File, "/") {
		if step == "" || step == "." || step == ".." { // an absolute path begins with an empty step
			return false
		}
	}
	return true
}

// String returns place and function in one line.
func (s StackFrame) String() string {
	return fmt.Sprintf("%s:%d %s", strictjson.Clean(s.File), s.Line, strictjson.Clean(s.Function))
}

// Plural returns a number with its noun, in the plural unless the number is 1.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
