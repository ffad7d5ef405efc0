package lab

import (
	"context"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Resettable is a set-up that can be measured and reset.
type Resettable interface {
	rfc2544.Measurer
	rfc2544.Resetter
}

// Observed wraps m and calls heard after every trial; heard may be nil.
func Observed(m Resettable, heard func(rfc2544.Trial, rfc2544.Observation)) Resettable {
	if heard == nil {
		return m
	}
	return observed{m, heard}
}

type observed struct {
	Resettable
	heard func(rfc2544.Trial, rfc2544.Observation)
}

// Measure implements rfc2544.Measurer.
func (m observed) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	o, err := m.Resettable.Measure(ctx, t)
	return m.pass(t, o, err)
}

// MeasureReset implements rfc2544.Resetter.
func (m observed) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	o, err := m.Resettable.MeasureReset(ctx, t, r)
	return m.pass(t, o, err)
}

func (m observed) pass(t rfc2544.Trial, o rfc2544.Observation, err error) (rfc2544.Observation, error) {
	if err == nil {
		m.heard(t, o)
	}
	return o, err
}
