package reports

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// The JUnit format has no standard; these are the elements and attributes that
// its readers agree on. Times are in seconds.
type (
	junitSuites struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"` // cases that have any
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr,omitempty"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr,omitempty"` // UTC
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Classname string       `xml:"classname,attr"`
		Name      string       `xml:"name,attr"`
		Time      string       `xml:"time,attr"`
		Failures  []junitFault `xml:"failure"`
		Error     *junitFault  `xml:"error"`
		Skipped   *junitFault  `xml:"skipped"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// FuzzJUnit is a campaign as a JUnit file: a case for each target, a failure for
// each finding, an error where a target was not attacked to the end. All text
// goes through clean, which leaves no character that XML forbids.
func FuzzJUnit(f *Fuzz) ([]byte, error) {
	sum := totalsOf(f)
	s := junitSuite{
		Name: "tunnelbench fuzz", Tests: len(f.Targets), Failures: sum.broken, Errors: sum.unfinished,
		Time: seconds(f.Ended.Sub(f.Started)), Timestamp: f.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	for i := range f.Targets {
		s.Cases = append(s.Cases, junitCaseOf(&f.Targets[i]))
	}
	data, err := xml.MarshalIndent(junitSuites{Suite: s}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("junit: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

func junitCaseOf(t *FuzzTarget) junitCase {
	c := junitCase{Classname: strictjson.Clean(t.Package), Name: strictjson.Clean(t.Function), Time: seconds(t.Elapsed)}
	for i := range t.Findings {
		found := &t.Findings[i]
		c.Failures = append(c.Failures, junitFault{
			Message: strictjson.Clean(found.Oracle) + ": " + strictjson.Clean(found.Seen), Type: strictjson.Clean(found.Oracle), Text: found.trace(),
		})
	}
	if t.Error != "" {
		c.Error = &junitFault{Message: strictjson.Clean(t.Error), Type: "not attacked to the end"}
	}
	return c
}

// trace is the stack, a line for each frame, and below it how to reproduce the finding.
func (f *Finding) trace() string {
	var lines []string
	for _, frame := range f.Stack {
		lines = append(lines, frame.String())
	}
	return strings.Join(append(lines, "reproduce: "+strictjson.Clean(f.Reproduce)), "\n")
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
