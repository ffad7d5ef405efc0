// Package interop holds what the checks of `tunnelbench interop` came to: the matrix of every pair of
// WireGuard ends and every check, and its file interop.json.
//
//	internal/lab/interop ─► Report ─► interop.json, reports/interop/page
package interop

import (
	"cmp"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema names the format of a Report as JSON.
const Schema = "tunnelbench.interop/1"

// Outcome is what a check of a pair came to.
type Outcome string

// The outcomes.
const (
	Passed      Outcome = "passed"
	Failed      Outcome = "failed"
	Unsupported Outcome = "unsupported" // it cannot be tried here
	NoVerdict   Outcome = "no verdict"  // it was cut short, or the tester failed
)

// Cell is the outcome of one check of one pair.
type Cell struct {
	Left    string  `json:"left"`
	Right   string  `json:"right"`
	Check   string  `json:"check"`
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"` // one line; empty if it passed
	Seconds float64 `json:"seconds"`
}

// CheckInfo describes a check.
type CheckInfo struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// Report is the outcome of all checks of all pairs.
type Report struct {
	Schema  string      `json:"schema"`
	Tool    result.Tool `json:"tool"`
	CPU     string      `json:"cpu"`
	Kernel  string      `json:"kernel"`
	Command []string    `json:"command"`
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	Ends    []string    `json:"ends"`
	Checks  []CheckInfo `json:"checks"`
	Cells   []Cell      `json:"cells"` // by left end, right end and check, in the order of Ends and Checks
}

// Count returns the number of cells with an outcome.
func (r *Report) Count(o Outcome) (n int) {
	for _, c := range r.Cells {
		if c.Outcome == o {
			n++
		}
	}
	return n
}

// Verdict returns the outcome of the whole: failed if any cell failed, else no verdict if any has
// none, else passed if any passed, else unsupported.
func (r *Report) Verdict() Outcome {
	of := func(o Outcome) Outcome {
		if r.Count(o) > 0 {
			return o
		}
		return ""
	}
	return cmp.Or(of(Failed), of(NoVerdict), of(Passed), Unsupported)
}
