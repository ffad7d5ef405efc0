// Package behaviour holds what the tests of `tunnelbench behaviour` found out about devices: how they
// treat packets apart from how fast they carry them. It has the file behaviour.json and the text table.
//
//	internal/lab/behaviour ─► Report: for each device, a Finding for each test ─► behaviour.json, Text
package behaviour

import (
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schema names the format of a Report as JSON.
const Schema = "tunnelbench.behaviour/1"

// Verdict is how a device did in a test.
type Verdict string

// The verdicts.
const (
	Pass        Verdict = "pass"         // it does as the rule says
	Fail        Verdict = "fail"         // it does not
	None        Verdict = "none"         // no document has a rule, or its rule does not apply: just facts and values
	Unsupported Verdict = "unsupported"  // the device cannot be asked
	NotMeasured Verdict = "not-measured" // the test could not be made, or was cut short
)

// Fact is a word about what a device does.
type Fact struct {
	Name string `json:"name"` // such as "outer-dscp"
	Is   string `json:"is"`   // such as "copied"
}

// Finding is what a test found out about a device.
type Finding struct {
	Test    string          `json:"test"`
	Verdict Verdict         `json:"verdict"`
	Rule    string          `json:"rule,omitempty"` // the document and section that the verdict follows; empty without one
	Why     string          `json:"why,omitempty"`  // one line: what led to the verdict
	Facts   []Fact          `json:"facts"`
	Values  []rfc2544.Value `json:"values"`
	Seconds float64         `json:"seconds"` // how long the test took
}

// Fact returns the word of a name, or "".
func (f Finding) Fact(name string) string {
	i := slices.IndexFunc(f.Facts, func(w Fact) bool { return w.Name == name })
	if i < 0 {
		return ""
	}
	return f.Facts[i].Is
}

// Value returns the value of a name; ok is false without one.
func (f Finding) Value(name string) (v rfc2544.Value, ok bool) {
	i := slices.IndexFunc(f.Values, func(v rfc2544.Value) bool { return v.Name == name })
	if i < 0 {
		return v, false
	}
	return f.Values[i], true
}

// Note adds a fact.
func (f *Finding) Note(name, is string) { f.Facts = append(f.Facts, Fact{name, is}) }

// Measured adds a value that rests on n samples.
func (f *Finding) Measured(name, unit string, value float64, n int) {
	f.Values = append(f.Values, rfc2544.Value{Name: name, Unit: unit, Value: value, N: n})
}

// Device holds the findings about a device, in the order of the report's tests.
type Device struct {
	Device   string    `json:"device"`
	Findings []Finding `json:"findings"`
}

// Finding returns the finding of a test; ok is false without one.
func (d Device) Finding(test string) (f Finding, ok bool) {
	i := slices.IndexFunc(d.Findings, func(f Finding) bool { return f.Test == test })
	if i < 0 {
		return f, false
	}
	return d.Findings[i], true
}

// TestInfo describes a test.
type TestInfo struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// Report is the outcome of all tests on all devices.
type Report struct {
	Schema  string      `json:"schema"`
	Tool    result.Tool `json:"tool"`
	CPU     string      `json:"cpu"`
	Kernel  string      `json:"kernel"`
	Command []string    `json:"command"`
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	Tests   []TestInfo  `json:"tests"`
	Devices []Device    `json:"devices"`
}

// Count returns the number of findings with a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for _, d := range r.Devices {
		for _, f := range d.Findings {
			if f.Verdict == v {
				n++
			}
		}
	}
	return n
}
