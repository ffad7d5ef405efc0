package rfc2544

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Value is one number that a test yields, with its unit and how sure it is.
type Value struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"` // "fps", "ns", "frames" or "%"
	Value  float64  `json:"value"`
	Lower  *float64 `json:"lower"`            // null where there is no bound
	Upper  *float64 `json:"upper"`            // null where there is no bound
	N      int      `json:"n"`                // trials the value rests on
	Better int      `json:"better"`           // 1: higher is better; -1: lower is
	Rounds int      `json:"rounds,omitempty"` // bring-ups that it was searched in; 0: not told
}

// Outcome is the result of a test. A value that could not be measured is absent; a warning has the
// reason.
type Outcome struct {
	Test       string        `json:"test"`
	Values     []Value       `json:"values"`
	Trials     []Observation `json:"trials"`
	Shortfalls []Shortfall   `json:"shortfalls"`
	Warnings   []string      `json:"warnings"`
	Valid      bool          `json:"valid"`
	Held       bool          `json:"held,omitempty"` // a rate has no upper bound since loads above it had no valid trial: it may be higher
}

func newOutcome(test string) Outcome {
	return Outcome{Test: test, Values: []Value{}, Trials: []Observation{}, Shortfalls: []Shortfall{}, Warnings: []string{}, Valid: true}
}

// Units of values, and whether higher or lower ones are better.
const (
	unitRate     = "fps"
	unitTime     = "ns"
	unitFrames   = "frames"
	unitPercent  = "%"
	higherBetter = 1
	lowerBetter  = -1
)

func (o *Outcome) warn(format string, args ...any) {
	o.Warnings = append(o.Warnings, fmt.Sprintf(format, args...))
}

// fail adds a warning and makes the outcome invalid.
func (o *Outcome) fail(format string, args ...any) {
	o.warn(format, args...)
	o.Valid = false
}

// repeat runs n valid trials; invalid ones are repeated. name stands in warnings.
func (o *Outcome) repeat(ctx context.Context, m Measurer, name string, trial Trial, n int) ([]Observation, error) {
	var all []Observation
	for range n {
		seen, err := o.measure(ctx, m, name, trial)
		if err != nil {
			o.Valid = false
			return all, err
		}
		all = append(all, seen)
	}
	return all, nil
}

// DefaultRetries is how often a trial that is not valid is repeated.
const DefaultRetries = mlrsearch.DefaultRetries

// retryTrial repeats short trials more often: a busy machine needs time, not attempts.
var retryTrial = Retry{Times: DefaultRetries, Within: 30 * time.Second}

// measure returns the first valid observation, or the last one.
func (o *Outcome) measure(ctx context.Context, m Measurer, name string, trial Trial) (seen Observation, err error) {
	tries := 0
	valid, err := retryTrial.Do(func(bool) (bool, time.Duration, error) {
		tries++
		if seen, err = observe(ctx, m, trial); err != nil {
			return false, 0, err
		}
		o.Trials = append(o.Trials, seen)
		return seen.Valid, trial.Rest + seen.Duration, nil
	})
	switch {
	case err != nil:
		o.Valid = false
	case !valid:
		o.fail("%s at %v: %d trials, none valid%s", name, trial.Load, tries, reason(seen))
	}
	return seen, err
}

// bad returns the error for a test that cannot be run with its config.
func (o *Outcome) bad(format string, args ...any) (Outcome, error) {
	o.Valid = false
	return *o, fmt.Errorf(o.Test+" test: "+format, args...)
}
