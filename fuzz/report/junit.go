package report

import (
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// JUnit returns a campaign as a JUnit file: a case for each target, a failure for each finding, and an
// error for a target that was not attacked to the end. clean removes all characters that XML forbids.
func JUnit(f *Campaign) ([]byte, error) {
	sum := TotalsOf(f)
	s := junit.Suite{
		Name: "tunnelbench fuzz", Tests: len(f.Targets), Failures: sum.broken, Errors: sum.Unfinished,
		Time: junit.Seconds(f.Ended.Sub(f.Started)), Timestamp: f.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	for i := range f.Targets {
		s.Cases = append(s.Cases, junitCaseOf(&f.Targets[i]))
	}
	return junit.Marshal(s)
}

func junitCaseOf(t *Target) junit.Case {
	c := junit.Case{Classname: strictjson.Clean(t.Package), Name: strictjson.Clean(t.Function), Time: junit.Seconds(t.Elapsed)}
	for i := range t.Findings {
		found := &t.Findings[i]
		c.Failures = append(c.Failures, junit.Fault{
			Message: strictjson.Clean(found.Oracle) + ": " + strictjson.Clean(found.Seen), Type: strictjson.Clean(found.Oracle), Text: found.trace(),
		})
	}
	if t.Error != "" {
		c.Error = &junit.Fault{Message: strictjson.Clean(t.Error), Type: "not attacked to the end"}
	}
	return c
}

// trace returns the stack, one line for each frame, and the command that reproduces the finding.
func (f *Finding) trace() string {
	var lines []string
	for _, frame := range f.Stack {
		lines = append(lines, frame.String())
	}
	return strings.Join(append(lines, "reproduce: "+strictjson.Clean(f.Reproduce)), "\n")
}
