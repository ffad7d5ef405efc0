package rfc2544

import (
	"cmp"
	"context"
	"slices"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Test is a row of the table of tests. Each test has a file of its own, which registers it;
// suites, results and reports go through the table.
type Test struct {
	Name    string // in results: "frame_loss_rate"
	Title   string // in reports: "Frame loss rate"
	Section string // of the RFC that describes it: "RFC 2544, 26.3"; empty for a test of this program alone
	Limited bool   // its first value is a rate that the device, the tester or the link limits
	Order   int    // place in a suite and in reports, rising; tests come after those whose results they need
	Efforts Efforts
}

// Efforts are a test's configs by effort; nil where a suite leaves the test out.
type Efforts struct{ CI, Standard, Full Config }

// Config is how thoroughly a test is run. RunAt runs the test where a suite stands: it fills in
// frame size and rates, and notes in p what later tests need. An Outcome without a Test says
// that there is nothing to do here. The error wraps errors.ErrUnsupported where the device has
// nothing to test.
type Config interface {
	RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error)
}

// Progress is what a suite knows of a device at a frame size.
type Progress struct {
	Point
	Found      Rate // by the rate test, for its last goal; 0: none
	Throughput Rate // 0: none found
}

// Point is what is known before a suite.
type Point struct {
	Size      FrameSize
	Nominal   Rate // R, the maximum frame rate of the link
	Offerable Rate // the most that the tester can pace into the device
	Min, Max  Rate // of the rate test
	Hint      Rate // estimate of the device's rate; 0: unknown
	Smallest  bool // the smallest size of the run: the one to reset at (RFC 6201 section 4)
}

// most is the highest load of the RFC's tests: of the link, or of the tester.
func (p *Progress) most() Rate { return min(p.Nominal, p.Offerable) }

// noThroughput is the outcome of a test that needs a throughput where none was found.
func noThroughput(test string) (Outcome, error) {
	out := newOutcome(test)
	out.fail("%s is not measured: no throughput was found", test)
	return out, nil
}

// table is filled by register while the package is initialised.
var table []Test

// register adds a test to the table.
func register(t Test) Test {
	table = append(table, t)
	slices.SortFunc(table, func(a, b Test) int { return cmp.Compare(a.Order, b.Order) })
	return t
}

// Tests is the table of all tests, in order.
func Tests() []Test { return slices.Clone(table) }

// Find returns the test of that name.
func Find(name string) (Test, bool) {
	i := slices.IndexFunc(table, func(t Test) bool { return t.Name == name })
	if i < 0 {
		return Test{}, false
	}
	return table[i], true
}

// presets are goals that are part of the program and so always parse.
func presets(texts ...string) []mlrsearch.Goal {
	goals := make([]mlrsearch.Goal, len(texts))
	for i, text := range texts {
		goal, err := mlrsearch.ParseGoal(text)
		if err != nil {
			panic(err)
		}
		goals[i] = goal
	}
	return goals
}
