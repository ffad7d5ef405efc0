package gate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema names the version of gate.json.
const Schema = "tunnelbench.gate/1"

// The verdicts of a gate, and of each metric in it.
const (
	Pass         = "pass"         // shown to be slower by less than the limit
	Fail         = "fail"         // shown to be slower by more than the margin, by about the limit or more; twice
	Inconclusive = "inconclusive" // neither is shown
	Environment  = "environment"  // the machine, or the base, did not allow to say
	Shown        = "shown"        // of a metric: nothing is judged
	Undecided    = "undecided"    // of a metric: more pairs are to be measured
)

// Report is the verdict on a change: the head's set held against the base's.
type Report struct {
	Schema   string      `json:"schema"`
	Verdict  string      `json:"verdict"`
	Why      string      `json:"why"` // the verdict in words
	Device   string      `json:"device"`
	Base     Side        `json:"base"`
	Head     Side        `json:"head"`
	Tool     result.Tool `json:"tool"`
	Host     result.Host `json:"host"`
	Seed     uint64      `json:"seed"`
	Risk     float64     `json:"risk"` // of a wrong verdict
	Looks    []int       `json:"looks"`
	Pairs    int         `json:"pairs"` // of both series
	Metrics  []Metric    `json:"metrics"`
	Warnings []string    `json:"warnings"`
	Command  []string    `json:"command"` // that measures again
}

// Side is what was measured.
type Side struct {
	Revision string  `json:"revision"`
	Commit   string  `json:"commit"`
	Builds   []Build `json:"builds"`
}

// Metric is how one metric fared.
type Metric struct {
	ID      string   `json:"id"`
	Unit    string   `json:"unit"`
	Better  int      `json:"better"`
	Limit   float64  `json:"limit"`  // the largest slowdown that passes; a share of the base's
	Margin  float64  `json:"margin"` // below it a slowdown is none
	Base    *float64 `json:"base"`   // medians
	Head    *float64 `json:"head"`
	Series  []Series `json:"series"` // the last look at each
	Verdict string   `json:"verdict"`
	Why     string   `json:"why"`
}

// Series is the last look at a series of pairs. Slowdowns are shares of the base's
// value; below zero the head is faster. Nil: too few pairs to say.
type Series struct {
	Pairs    int      `json:"pairs"`   // that count
	Dropped  int      `json:"dropped"` // without two valid halves
	Slowdown *float64 `json:"slowdown"`
	Lower    *float64 `json:"lower"` // it is below this with this look's share of the risk of a fail
	Upper    *float64 `json:"upper"` // above this, of a pass
	Verdict  string   `json:"verdict"`
}

// Metric finds a metric; nil when there is none.
func (g *Report) Metric(id string) *Metric {
	for i := range g.Metrics {
		if g.Metrics[i].ID == id {
			return &g.Metrics[i]
		}
	}
	return nil
}

// Encode is gate.json: the same verdict, the same bytes.
func Encode(g *Report) ([]byte, error) {
	n := *g
	n.Schema, n.Command, n.Warnings = Schema, result.Texts(g.Command), result.Texts(g.Warnings)
	n.Host = result.NormalHost(g.Host)
	n.Metrics, n.Base.Builds, n.Head.Builds = result.NotNil(g.Metrics), result.NotNil(g.Base.Builds), result.NotNil(g.Head.Builds)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(&n); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return b.Bytes(), nil
}
