package field

import (
	"context"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// behave makes the profile's tests of behaviour on the control and on every device that works.
func (r *run) behave(ctx context.Context) error {
	for _, d := range r.Devices {
		rec := r.Store.of(d)
		for _, test := range r.testsOf(d) {
			made := slices.ContainsFunc(rec.Behaviour, func(f behaviour.Finding) bool { return f.Test == test })
			if made {
				continue
			}
			r.step("the test %s of %s", test, d.Spec)
			found, err := r.lab.Behave(ctx, d.Device, test)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				return err
			}
			rec.Behaviour = append(rec.Behaviour, found)
			if err := r.Store.save(d); err != nil {
				return err
			}
		}
	}
	return nil
}
