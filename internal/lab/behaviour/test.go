package behaviour

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Test is one test of a device.
type Test struct {
	Name  string
	Doc   string        // one line
	Takes time.Duration // about, the bring-ups of a fast device included
	// Run tests a device. The error is for what kept the test from being made: one that wraps errors.ErrUnsupported
	// says that the device cannot be asked.
	Run func(ctx context.Context, b *Bench) (behaviour.Finding, error)
}

// tests are the tests in the order of lists and reports.
var tests = slices.Concat([]Test{mtu, dscp, ecn, ttl, overhead, reordering, fairness}, overTime)

// Tests returns the tests in the order of lists and reports.
func Tests() []Test { return slices.Clone(tests) }

// Quick returns the tests that take 10 s at most, in the order of lists and reports.
func Quick() []Test {
	const most = 10 * time.Second
	return slices.DeleteFunc(Tests(), func(t Test) bool { return t.Takes > most })
}

// Names returns the names of tests.
func Names(tests []Test) (names []string) {
	for _, t := range tests {
		names = append(names, t.Name)
	}
	return names
}

// Find returns the tests of these names, in the order of Tests.
func Find(names []string) (found []Test, err error) {
	for _, name := range names {
		if !slices.Contains(Names(tests), name) {
			return nil, fmt.Errorf("%q: no such test", name)
		}
	}
	for _, t := range tests {
		if slices.Contains(names, t.Name) {
			found = append(found, t)
		}
	}
	return found, nil
}

// On makes the test on a device. What kept it from being made is in the finding.
func (t Test) On(ctx context.Context, b *Bench) behaviour.Finding {
	started := time.Now()
	var f behaviour.Finding
	err := b.check()
	if err == nil {
		f, err = t.Run(ctx, b)
	}
	f.Test, f.Seconds = t.Name, time.Since(started).Seconds()
	if err != nil {
		f.Verdict, f.Why = behaviour.NotMeasured, err.Error()
		if errors.Is(err, errors.ErrUnsupported) {
			f.Verdict = behaviour.Unsupported
		}
	}
	return f
}
