package rfc2544

import "fmt"

// Value is one number that a test yields, with its unit and how sure it is.
type Value struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"` // "fps" or "ns"
	Value  float64  `json:"value"`
	Lower  *float64 `json:"lower"`  // null where there is no bound
	Upper  *float64 `json:"upper"`  // null where there is no bound
	N      int      `json:"n"`      // trials the value rests on
	Better int      `json:"better"` // 1: higher is better; -1: lower is
}

// Outcome is what a test found. A value that could not be measured is absent,
// and a warning says why.
type Outcome struct {
	Test     string        `json:"test"`
	Values   []Value       `json:"values"`
	Trials   []Observation `json:"trials"`
	Warnings []string      `json:"warnings"`
	Valid    bool          `json:"valid"`
}

func newOutcome(test string) Outcome {
	return Outcome{Test: test, Values: []Value{}, Trials: []Observation{}, Warnings: []string{}, Valid: true}
}

// Units and senses of values.
const (
	unitRate     = "fps"
	unitTime     = "ns"
	higherBetter = 1
	lowerBetter  = -1
)

func (o *Outcome) warn(format string, args ...any) {
	o.Warnings = append(o.Warnings, fmt.Sprintf(format, args...))
}

// fail is a warning that costs the outcome its validity.
func (o *Outcome) fail(format string, args ...any) {
	o.warn(format, args...)
	o.Valid = false
}
