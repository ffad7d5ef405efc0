package pairs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Run is a gate that measures pairs until the verdict is final.
type Run struct {
	Policy gate.Policy
	Sides  Sides
	AA     bool          // measure only the noise, which takes one look
	Time   time.Duration // start no pair after this time
	Save   func() error  // saves both sets, so that no measurement is lost
	// OnPair, if set, is called before each pair with the time since the start.
	OnPair func(j gate.Judgement, pair int, since time.Duration)
	Log    io.Writer
}

// Measure repeats gate.Judge and measures the pairs that it asks for, until the verdict is final.
// It returns the duration of a pair, or 0 if none was measured.
func (r *Run) Measure(ctx context.Context, l compare.Lab, plan Plan) (pair time.Duration, err error) {
	j, err := gate.Judge(r.Policy, r.Sides.Base, r.Sides.Head)
	if err != nil || j.Pairs == 0 { // identical binaries
		return 0, err
	}
	pairs, err := Open(ctx, l, plan, r.wanted(j.Metrics), r.Sides)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for series, done := 0, 0; j.Pairs > 0 && !(r.AA && done == r.Policy.Looks[0]); done++ {
		if j.Series != series {
			series, done = j.Series, 0
		}
		if time.Since(start) > r.Time {
			fmt.Fprintf(r.Log, "ended after %v, before there was a verdict\n", r.Time)
			return pair, nil
		}
		if r.OnPair != nil {
			r.OnPair(j, done+1, time.Since(start))
		}
		if err := pairs.Measure(ctx, j.Series, done+1, j.Metrics); err != nil {
			return pair, err
		}
		pair = time.Since(start) / time.Duration(len(r.Sides.Head.Turns))
		if err := r.Save(); err != nil {
			return pair, err
		}
		if j, err = gate.Judge(r.Policy, r.Sides.Base, r.Sides.Head); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// wanted returns the policy's metrics that have one of the IDs.
func (r *Run) wanted(ids []string) (wanted []gate.SetMetric) {
	for _, m := range r.Policy.Metrics {
		if slices.Contains(ids, m.ID()) {
			wanted = append(wanted, gate.SetMetric{Name: m.Name, FrameSize: rfc2544.FrameSize(m.FrameSize)})
		}
	}
	return wanted
}
