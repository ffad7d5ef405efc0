// Package report is what a fuzz campaign leaves behind: its file (fuzz.json) with a strict reader,
// and the forms made of it: a plain table, JUnit and SARIF. The page, which has charts, is made
// by package reports.
package report

import (
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema names the version of the file of a fuzz campaign that this package
// writes.
const Schema = "tunnelbench.fuzz/1"

// Campaign is a fuzz campaign: which targets were attacked, for how long, what was found.
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

// Target is what became of one target.
type Target struct {
	Name       string        `json:"name"`
	Doc        string        `json:"doc"`
	Package    string        `json:"package"`  // folder in the module
	Function   string        `json:"function"` // the harness
	Engine     string        `json:"engine"`
	Executions uint64        `json:"executions"`
	Elapsed    time.Duration `json:"elapsed_ns"`
	CPUTime    time.Duration `json:"cpu_ns"`   // of the engine and its workers
	Corpus     int           `json:"corpus"`   // inputs at the end that reach something of their own
	Samples    []Sample      `json:"samples"`  // in the order of time
	Findings   []Finding     `json:"findings"` // by the time of finding
	// Unconfirmed are inputs that the engine gave for broken and no replay found so; they are kept.
	Unconfirmed int    `json:"unconfirmed"`
	Error       string `json:"error"` // why it could not be attacked, or not to the end
}

// Sample is the state at a moment. Coverage is counted as the engine does:
// inputs that reach something new (native), or edges.
type Sample struct {
	Elapsed    time.Duration `json:"elapsed_ns"`
	Executions uint64        `json:"executions"`
	Coverage   uint64        `json:"coverage"`
}

// Finding is an input that breaks an oracle, confirmed by replay.
type Finding struct {
	ID        string        `json:"id"` // of target, oracle and stack: the same fault found again has it again
	Oracle    string        `json:"oracle"`
	Seen      string        `json:"seen"`            // one line
	Stack     []StackFrame  `json:"stack"`           // innermost first, without the runtime's and the oracles' own
	Input     []byte        `json:"input"`           // base64; minimised where that could be done; files keep 1 MiB of it
	Octets    int           `json:"octets"`          // bytes of the whole input
	FoundAt   time.Duration `json:"found_at_ns"`     // after the start of the target
	FoundCPU  time.Duration `json:"found_at_cpu_ns"` // CPU time spent on the target until then
	Times     int           `json:"times"`           // how often it was found
	Files     []string      `json:"files"`           // seed, test, capture
	Reproduce string        `json:"reproduce"`       // a command of one line
}

// StackFrame is a place in the source; File is a path within the module, where
// it is the module's.
type StackFrame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}
