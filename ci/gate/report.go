package gate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema is the schema version of gate.json.
const Schema = "tunnelbench.gate/1"

// The verdicts on a change and on each of its metrics.
const (
	Pass         = "pass"         // the slowdown is shown to be below the limit
	Fail         = "fail"         // two series show a slowdown above the margin, with an estimate at or above the limit
	Inconclusive = "inconclusive" // the measurements show neither
	Environment  = "environment"  // the base does not run here
	Shown        = "shown"        // metric only: shown without a verdict
	Undecided    = "undecided"    // metric only: needs more pairs
)

// Report is the result of a gate: the head compared with the base.
type Report struct {
	Schema   string      `json:"schema"`
	Verdict  string      `json:"verdict"`
	Why      string      `json:"why"` // the reason of the verdict
	Device   string      `json:"device"`
	Base     Side        `json:"base"`
	Head     Side        `json:"head"`
	Tool     result.Tool `json:"tool"`
	Host     result.Host `json:"host"`
	Seed     uint64      `json:"seed"`
	Risk     float64     `json:"risk"` // probability of a wrong verdict
	Looks    []int       `json:"looks"`
	Pairs    int         `json:"pairs"` // number of pairs in both series
	Metrics  []Metric    `json:"metrics"`
	Warnings []string    `json:"warnings"`
	Command  []string    `json:"command"` // command that repeats the measurement
}

// Side describes one measured side.
type Side struct {
	Revision string  `json:"revision"`
	Commit   string  `json:"commit"`
	Builds   []Build `json:"builds"`
}

// Metric is the result for one metric.
type Metric struct {
	ID      string   `json:"id"`
	Unit    string   `json:"unit"`
	Better  int      `json:"better"`
	Limit   float64  `json:"limit"`  // largest slowdown that passes, as a share of the base's value
	Margin  float64  `json:"margin"` // slowdown up to which the metric did not regress
	Base    *float64 `json:"base"`   // median of the base's values
	Head    *float64 `json:"head"`
	Series  []Series `json:"series"` // last look of each series
	Verdict string   `json:"verdict"`
	Why     string   `json:"why"`
}

// Series is the last look at a series of pairs. Slowdowns are shares of the base's value and
// negative if the head is faster. Nil: too few pairs.
type Series struct {
	Pairs    int      `json:"pairs"`   // pairs used
	Dropped  int      `json:"dropped"` // pairs without two valid halves
	Slowdown *float64 `json:"slowdown"`
	Lower    *float64 `json:"lower"` // lower bound; the slowdown is below it with this look's share of the risk of a fail
	Upper    *float64 `json:"upper"` // upper bound; the slowdown is above it with this look's share of the risk of a pass
	Verdict  string   `json:"verdict"`
}

// Metric returns the metric with this ID, or nil.
func (g *Report) Metric(id string) *Metric {
	for i := range g.Metrics {
		if g.Metrics[i].ID == id {
			return &g.Metrics[i]
		}
	}
	return nil
}

// Encode returns gate.json. The same report gives the same bytes.
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
