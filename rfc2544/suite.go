package rfc2544

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Suite is a list of tests to run, in order, at every frame size.
type Suite struct {
	Rest  time.Duration // before every trial (RFC 2544 section 23)
	Tests []Config
}

// CISuite takes minutes.
func CISuite() Suite { return suiteOf(0, func(e Efforts) Config { return e.CI }) }

// StandardSuite keeps every MUST of the RFCs.
func StandardSuite() Suite {
	return suiteOf(500*time.Millisecond, func(e Efforts) Config { return e.Standard })
}

// FullSuite keeps every SHOULD of the RFCs about their procedures, too.
func FullSuite() Suite { return suiteOf(5*time.Second, func(e Efforts) Config { return e.Full }) }

func suiteOf(rest time.Duration, effort func(Efforts) Config) Suite {
	s := Suite{Rest: rest}
	for _, t := range table {
		if c := effort(t.Efforts); c != nil {
			s.Tests = append(s.Tests, c)
		}
	}
	return s
}

// Goals returns the goals of the rate test; nil without a rate test.
func (s Suite) Goals() []mlrsearch.Goal {
	c, _ := first[SearchConfig](s)
	return c.Goals
}

// WithGoals returns the suite with other goals for the rate test.
func (s Suite) WithGoals(goals []mlrsearch.Goal) Suite {
	return change(s, func(c SearchConfig) Config { c.Goals = goals; return c })
}

// WithBursts returns the suite with n searches of the longest burst.
func (s Suite) WithBursts(n int) Suite {
	return change(s, func(c BackToBackConfig) Config { c.Repeats = n; return c })
}

// Throughput returns the config of the throughput test; ok is false if the suite has none.
func (s Suite) Throughput() (ThroughputConfig, bool) { return first[ThroughputConfig](s) }

// first returns the first config of a type.
func first[C Config](s Suite) (c C, ok bool) {
	for _, t := range s.Tests {
		if c, ok = t.(C); ok {
			return c, true
		}
	}
	return c, false
}

// change returns a suite in which all configs of a type are replaced.
func change[C Config](s Suite, by func(C) Config) Suite {
	s.Tests = slices.Clone(s.Tests)
	for i, t := range s.Tests {
		if c, ok := t.(C); ok {
			s.Tests[i] = by(c)
		}
	}
	return s
}

// Run runs all tests of the suite at one point. It calls each with every outcome; the error given
// to each wraps errors.ErrUnsupported if the device does not support the test. Any other error ends
// the suite, after a call of each with the outcome so far. Tests at the throughput are skipped with
// a warning if no throughput was found.
//
//	rate -> throughput -+-> latency, delay, loss rate, back-to-back, recovery, resets
//	                    +-> bursts, networks
func (s Suite) Run(ctx context.Context, m Resetter, p Point, each func(Outcome, error)) error {
	progress := &Progress{Point: p}
	for _, test := range s.Tests {
		out, err := test.RunAt(ctx, rested{m, s.Rest}, progress)
		if out.Test != "" {
			each(out, err)
		}
		if err != nil && !(out.Test != "" && errors.Is(err, errors.ErrUnsupported)) {
			return err
		}
	}
	return nil
}

// rested waits before every trial (RFC 2544 section 23).
type rested struct {
	Resetter
	rest time.Duration
}

func (r rested) Measure(ctx context.Context, t Trial) (Observation, error) {
	t.Rest = max(t.Rest, r.rest)
	return r.Resetter.Measure(ctx, t)
}

func (r rested) MeasureReset(ctx context.Context, t Trial, reset Reset) (Observation, error) {
	t.Rest = max(t.Rest, r.rest)
	return r.Resetter.MeasureReset(ctx, t, reset)
}
