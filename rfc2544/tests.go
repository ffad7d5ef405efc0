package rfc2544

import (
	"cmp"
	"context"
	"slices"
)

// Test is a row of the table of tests. Each test has a file of its own, which registers it;
// suites, results and reports go through the table.
type Test struct {
	Name    string // in results: "frame_loss_rate"
	Title   string // in reports: "Frame loss rate"
	Section string // of the RFC that describes it: "RFC 2544, 26.3"; empty for a test of this program alone
	Limited bool   // its first value is a rate, limited by device, tester or link
	Order   int    // place in a suite and in reports, rising; tests come after those whose results they need
	Efforts Efforts
}

// Efforts are the configs of a test by effort; a suite leaves the test out if its config is nil.
type Efforts struct{ CI, Standard, Full Config }

// Config says how thoroughly a test measures. RunAt runs the test in a suite: it takes frame size
// and rates from p and stores results for later tests in p. It returns an Outcome without a Test if
// there is nothing to do. The error wraps errors.ErrUnsupported if the device does not support the
// test.
type Config interface {
	RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error)
}

// Progress holds what a suite has found out about a device at a frame size.
type Progress struct {
	Point
	Found      Rate // by the rate test, for its last goal; 0: none
	Throughput Rate // 0: none found
}

// Point holds what is known before a suite starts.
type Point struct {
	Size      FrameSize
	Nominal   Rate // R, the maximum frame rate of the link
	Offerable Rate // the most that the tester can pace into the device
	Min, Max  Rate // of the rate test
	Hint      Rate // estimate of the device's rate; 0: unknown
	Smallest  bool // the smallest size of the run; reset tests use it (RFC 6201 section 4)
}

// most returns the highest load of the RFC's tests, limited by link or tester.
func (p *Progress) most() Rate { return min(p.Nominal, p.Offerable) }

// noThroughput returns the outcome of a test that needs a throughput when none was found.
func noThroughput(test string) (Outcome, error) {
	out := newOutcome(test)
	out.fail("%s is not measured: no throughput was found", test)
	return out, nil
}

// table is filled by register during package initialisation.
var table []Test

// register adds a test to the table.
func register(t Test) Test {
	table = append(table, t)
	slices.SortFunc(table, func(a, b Test) int { return cmp.Compare(a.Order, b.Order) })
	return t
}

// Tests that are of no RFC: TCP connections through a device, and devices side by side with a
// control.
const (
	NameStreams    = "streams"
	NameClosedLoop = "closed_loop"
)

// Tests returns all tests, in order.
func Tests() []Test { return slices.Clone(table) }

// Find returns the test of that name.
func Find(name string) (Test, bool) {
	i := slices.IndexFunc(table, func(t Test) bool { return t.Name == name })
	if i < 0 {
		return Test{}, false
	}
	return table[i], true
}
