package pairs

import (
	"context"
	"errors"
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
	AA     bool         // measure only the noise, which takes one look
	Save   func() error // saves both sets, so that no measurement is lost
	// OnPair, if set, is called before each pair with the time since the start.
	OnPair func(j gate.Judgement, pair int, since time.Duration)
	Log    io.Writer
	Over   bool // set by Measure: the time was over before there was a verdict
}

// errTime is the cause of a context whose gate has used up its time.
var errTime = errors.New("the gate's time is over")

// Limit returns a context for a gate that has to end within a time. It leaves some of the time for
// taking down what is up.
func Limit(ctx context.Context, time time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, time-min(time/10, leave), errTime)
}

const leave = 5 * time.Second

// TimeOver reports whether the time of Limit is over.
func TimeOver(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errTime) }

// fits reports whether a pair of this duration would end in time.
func fits(ctx context.Context, pair time.Duration) bool {
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) >= pair
}

// Measure repeats gate.Judge and measures the pairs that it asks for, until the verdict is final or
// the time of ctx is over. A pair that is not complete by then is left out. It returns the duration of a pair, or 0 if none was measured.
func (r *Run) Measure(ctx context.Context, l compare.Lab, plan Plan) (pair time.Duration, err error) {
	j, err := gate.Judge(r.Policy, r.Sides.Base, r.Sides.Head)
	if err != nil || j.Pairs == 0 { // identical binaries
		return 0, err
	}
	start := time.Now()
	pairs, err := Open(ctx, l, plan, r.wanted(j.Metrics), r.Sides)
	if err != nil {
		return 0, r.unlessOver(ctx, err)
	}
	if err := r.Save(); err != nil { // no set of an earlier gate is left beside this one's
		return 0, err
	}
	first := time.Now()
	for series, done := 0, 0; j.Pairs > 0 && !(r.AA && done == r.Policy.Looks[0]); done++ {
		if j.Series != series {
			series, done = j.Series, 0
		}
		if !fits(ctx, pair) {
			return pair, r.unlessOver(ctx, nil)
		}
		if r.OnPair != nil {
			r.OnPair(j, done+1, time.Since(start))
		}
		if err := pairs.Measure(ctx, j.Series, done+1, j.Metrics); err != nil {
			return pair, r.unlessOver(ctx, err)
		}
		pair = time.Since(first) / time.Duration(len(r.Sides.Head.Turns))
		if err := r.Save(); err != nil {
			return pair, err
		}
		if j, err = gate.Judge(r.Policy, r.Sides.Base, r.Sides.Head); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// unlessOver returns err, or nil if the time is over: what was measured so far is judged.
func (r *Run) unlessOver(ctx context.Context, err error) error {
	if err != nil && !TimeOver(ctx) {
		return err
	}
	r.Over = true
	fmt.Fprintln(r.Log, "ended, as the time is over before there is a verdict")
	return nil
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
