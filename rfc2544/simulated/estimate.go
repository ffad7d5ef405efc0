package simulated

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Step is one test of an estimate.
type Step struct {
	Test   string
	Trials int
	Time   time.Duration
}

// Overhead is the time that real trials take beside their duration.
type Overhead struct {
	Trial time.Duration // of each trial
	Lossy time.Duration // of each trial with loss: the wait for late frames
}

// Estimate runs a suite on the device and its virtual clock, and returns how long each test
// takes. Tests that the device does not support are left out.
func (d *Device) Estimate(ctx context.Context, suite rfc2544.Suite, p rfc2544.Point, o Overhead) ([]Step, error) {
	clock := &estimator{Device: d, overhead: o}
	var steps []Step
	var before time.Duration
	err := suite.Run(ctx, clock, p, func(out rfc2544.Outcome, err error) {
		now := d.Elapsed() + clock.spent
		if err == nil {
			steps = append(steps, Step{out.Test, len(out.Trials), now - before})
		}
		before = now
	})
	return steps, err
}

// estimator adds the overhead of real trials to the virtual clock.
type estimator struct {
	*Device
	overhead Overhead
	spent    time.Duration
}

func (e *estimator) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	return e.add(e.Device.Measure(ctx, t))
}

func (e *estimator) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	seen, err := e.Device.MeasureReset(ctx, t, r)
	if err != nil {
		return seen, err
	}
	return e.add(seen, err)
}

// add counts the overhead of a trial.
func (e *estimator) add(o rfc2544.Observation, err error) (rfc2544.Observation, error) {
	e.spent += e.overhead.Trial
	if o.Lost > 0 {
		e.spent += e.overhead.Lossy
	}
	return o, err
}
