package reports

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/show"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// totals are the sums over a campaign's targets. Executions and CPU time are
// floats: a file may claim counts whose sum no integer holds.
type totals struct {
	executions float64
	cpu        float64 // nanoseconds
	findings   int
	broken     int // targets with a finding
	unfinished int // targets that were not attacked to the end
}

func totalsOf(f *Fuzz) (sum totals) {
	for i := range f.Targets {
		t := &f.Targets[i]
		sum.executions += float64(t.Executions)
		sum.cpu += float64(t.CPUTime)
		sum.findings += len(t.Findings)
		if len(t.Findings) > 0 {
			sum.broken++
		}
		if t.Error != "" {
			sum.unfinished++
		}
	}
	return sum
}

// verdict says in words what came of a campaign. A target that was not attacked
// to the end leaves it open, unless something was found.
func (f *Fuzz) verdict() string {
	sum, all := totalsOf(f), len(f.Targets)
	switch {
	case all == 0:
		return "No verdict: nothing was attacked"
	case sum.findings > 0:
		return fmt.Sprintf("%s in %d of %s", plural(sum.findings, "finding"), sum.broken, plural(all, "target"))
	case sum.unfinished > 0:
		return fmt.Sprintf("No verdict: %d of %s not attacked to the end", sum.unfinished, plural(all, "target"))
	}
	return "No finding in " + plural(all, "target")
}

// effort says what the verdict rests on.
func (f *Fuzz) effort() string {
	sum := totalsOf(f)
	return fmt.Sprintf("%s executions, %s of CPU time", show.Fixed(sum.executions, 0, show.Thin), spent(sum.cpu))
}

// spent writes nanoseconds of work: in seconds up to two minutes, then as 1h2m3s.
func spent(ns float64) string {
	d := time.Duration(min(max(ns, 0), math.MaxInt64/2)) // a float may be one too large for a Duration
	if d < 2*time.Minute {
		return show.Span(d)
	}
	return d.Round(time.Second).String()
}

// verdict of one target, in words.
func (t *FuzzTarget) verdict() string {
	var words []string
	if t.Error != "" {
		words = append(words, "not attacked to the end")
	}
	if len(t.Findings) > 0 {
		words = append(words, plural(len(t.Findings), "finding"))
	}
	return cmp.Or(strings.Join(words, ", "), "no finding")
}

func (t *FuzzTarget) executionRate() string {
	if t.Elapsed <= 0 {
		return show.None
	}
	return show.Fixed(float64(t.Executions)/t.Elapsed.Seconds(), 0, show.Thin)
}

// firstFind is when the first finding came, by the clock and by the CPU.
func (t *FuzzTarget) firstFind() string {
	if len(t.Findings) == 0 {
		return show.None
	}
	first := &t.Findings[0]
	for i := range t.Findings {
		if t.Findings[i].FoundAt < first.FoundAt {
			first = &t.Findings[i]
		}
	}
	return first.moment()
}

func (f *Finding) moment() string {
	return spent(float64(f.FoundAt)) + ", " + spent(float64(f.FoundCPU)) + " CPU"
}

// fuzzColumn is one number of a target that tables show.
type fuzzColumn struct {
	head, slim string // of the page, of the plain table
	width      int    // of the plain table
	text       func(*FuzzTarget) string
}

var fuzzColumns = []fuzzColumn{
	{"executions", "executions", 12, func(t *FuzzTarget) string { return show.Count(t.Executions) }},
	{"per second", "per s", 8, (*FuzzTarget).executionRate},
	{"CPU time", "cpu", 9, func(t *FuzzTarget) string { return spent(float64(t.CPUTime)) }},
	{"corpus", "corpus", 7, func(t *FuzzTarget) string { return strconv.Itoa(t.Corpus) }},
	{"findings", "findings", 9, func(t *FuzzTarget) string { return strconv.Itoa(len(t.Findings)) }},
	{"first find", "first find", 21, (*FuzzTarget).firstFind},
}

// place is where a finding is told to be: the innermost frame of the module's
// own, or the innermost of all.
func (f *Finding) place() string {
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

// ours tells whether the file is a path within the module. A path with a version
// is that of another module, and one that begins with $ is the toolchain's.
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

// String is the place and the function, as one line.
func (s StackFrame) String() string {
	return fmt.Sprintf("%s:%d %s", strictjson.Clean(s.File), s.Line, strictjson.Clean(s.Function))
}

// plural counts a noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
