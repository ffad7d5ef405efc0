// Package report has the file of a fuzz campaign (fuzz.json), a strict reader for it, and its output as a
// text table, JUnit and SARIF. Package reports makes the HTML page, which has charts.
package report

import (
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema is the version of the campaign file that this package writes.
const Schema = "tunnelbench.fuzz/1"

// Campaign is the record of a fuzz campaign: the targets, the time spent on each and the findings.
type Campaign struct {
	Schema  string      `json:"schema"`
	Tool    result.Tool `json:"tool"`
	Command []string    `json:"command"`
	Started time.Time   `json:"started"`
	Ended   time.Time   `json:"ended"`
	CPU     string      `json:"cpu"`
	Kernel  string      `json:"kernel"`
	Targets []Target    `json:"targets"`
}

// Target is the result of one target.
type Target struct {
	Name       string        `json:"name"`
	Doc        string        `json:"doc"`
	Package    string        `json:"package"`  // folder in the module
	Function   string        `json:"function"` // the harness
	Engine     string        `json:"engine"`
	Executions uint64        `json:"executions"`
	Elapsed    time.Duration `json:"elapsed_ns"`
	CPUTime    time.Duration `json:"cpu_ns"`   // of the engine and its workers
	Corpus     int           `json:"corpus"`   // inputs at the end, each of which reaches code that the others do not
	Samples    []Sample      `json:"samples"`  // in the order of time
	Findings   []Finding     `json:"findings"` // by the time of finding
	// Unconfirmed counts crashes that the engine reported and a replay did not confirm. Their inputs are kept.
	Unconfirmed int    `json:"unconfirmed"`
	Error       string `json:"error"` // why it was not attacked, or not to the end
}

// Sample is the state of an attack at one moment. Coverage has the engine's unit: inputs that reach
// something new (native), or edges.
type Sample struct {
	Elapsed    time.Duration `json:"elapsed_ns"`
	Executions uint64        `json:"executions"`
	Coverage   uint64        `json:"coverage"`
}

// Finding is an input that breaks an oracle, confirmed by replay.
type Finding struct {
	ID        string        `json:"id"` // made from target, oracle and stack: the same fault always has the same ID
	Oracle    string        `json:"oracle"`
	Seen      string        `json:"seen"`            // one line
	Stack     []StackFrame  `json:"stack"`           // innermost first, without frames of the runtime and the oracles
	Input     []byte        `json:"input"`           // base64; minimised if possible; cut to 1 MiB in the file
	Octets    int           `json:"octets"`          // bytes of the whole input
	FoundAt   time.Duration `json:"found_at_ns"`     // after the start of the target
	FoundCPU  time.Duration `json:"found_at_cpu_ns"` // CPU time spent on the target until then
	Times     int           `json:"times"`           // how often it was found
	Files     []string      `json:"files"`           // seed, test, capture
	Reproduce string        `json:"reproduce"`       // a command of one line
}

// StackFrame is a place in the source. File is a path within the module if the file belongs to the module.
type StackFrame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// Findings returns the number of findings in all targets.
func (c *Campaign) Findings() (n int) {
	for _, t := range c.Targets {
		n += len(t.Findings)
	}
	return n
}

// Unfinished counts the targets that were not attacked to the end.
func (c *Campaign) Unfinished() (n int) {
	for _, t := range c.Targets {
		if t.Error != "" {
			n++
		}
	}
	return n
}
