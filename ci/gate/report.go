package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

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

// Why a metric or a series has no verdict.
const (
	TooFew        = "too_few"        // the gate ended before the first look
	Unfinished    = "unfinished"     // the gate ended between two looks
	Spoilt        = "spoilt"         // too many pairs had a half that is not valid
	BaseSilent    = "base_silent"    // the base forwarded nothing in too many pairs
	HeadSilent    = "head_silent"    // the head forwarded nothing more often than the base, which may be chance
	Noisy         = "noisy"          // the last look shows neither a pass nor a fail
	NotReproduced = "not_reproduced" // the first series failed, and the second did not
	NotConfirmed  = "not_confirmed"  // the first series failed, and of the second too little could be used
	Unmeasured    = "unmeasured"     // not among the metrics that were measured
	Missing       = "missing"        // measured, and a side never had a value
	SideDied      = "side_died"      // the gate ended because a side died
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
	Ended    *Ended      `json:"ended,omitempty"`
	Warnings []string    `json:"warnings"`
	Command  []string    `json:"command"` // command that repeats the measurement
}

// Ended is how far a gate came that ended before its verdict.
type Ended struct {
	Series int           `json:"series"`
	Pairs  int           `json:"pairs"`   // of the series
	Next   int           `json:"next"`    // pairs of the series at the next look
	Last   int           `json:"last"`    // and at the last one
	Time   time.Duration `json:"time_ns"` // the gate's limit, if that ended it; else 0
	Pair   time.Duration `json:"pair_ns"` // what a pair took; 0: not known
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
	SoFar   *SoFar   `json:"so_far,omitempty"`
	Verdict string   `json:"verdict"`
	Cause   string   `json:"cause,omitempty"` // why there is no verdict
	Why     string   `json:"why"`
}

// SoFar is what all pairs of a series show that the gate did not finish, in a 95 % interval of its own.
// No verdict comes from it.
type SoFar struct {
	Pairs    int      `json:"pairs"`
	Slowdown float64  `json:"slowdown"`
	Lower    *float64 `json:"lower"` // nil: too few pairs for an interval
	Upper    *float64 `json:"upper"`
}

// Series is the last look at a series of pairs. Slowdowns are shares of the base's value and
// negative if the head is faster. Nil: too few pairs.
type Series struct {
	Pairs    int      `json:"pairs"`   // pairs with two valid halves
	Dropped  int      `json:"dropped"` // pairs without them
	Silent   Silence  `json:"silent,omitzero"`
	Slowdown *float64 `json:"slowdown"`
	Lower    *float64 `json:"lower"` // lower bound; the slowdown is below it with this look's share of the risk of a fail
	Upper    *float64 `json:"upper"` // upper bound; the slowdown is above it with this look's share of the risk of a pass
	Verdict  string   `json:"verdict"`
	Cause    string   `json:"cause,omitempty"` // why there is no verdict
}

// Silence counts the pairs in which a side forwarded nothing, in time that nothing disturbed, or at less
// than a thousandth of the other side's rate.
type Silence struct {
	Base int `json:"base"` // the base only
	Head int `json:"head"` // the head only
	Both int `json:"both"`
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
