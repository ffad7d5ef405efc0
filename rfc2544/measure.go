package rfc2544

import (
	"context"
	"errors"
	"fmt"
)

// observe runs one trial, unless ctx is done.
func observe(ctx context.Context, m Measurer, trial Trial) (Observation, error) {
	err := ctx.Err()
	if err == nil {
		var seen Observation
		if seen, err = m.Measure(ctx, trial); err == nil {
			return seen, nil
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return seen, err // whatever the load
		}
	}
	return Observation{}, fmt.Errorf("trial at %v for %v: %w", trial.Load, trial.Duration, err)
}

// reason returns why an observation is not valid, in parentheses; empty if there is no reason.
func reason(seen Observation) string {
	if len(seen.Invalid) == 0 {
		return ""
	}
	return " (" + seen.Invalid.String() + ")"
}
