package lab

import (
	"context"
	"errors"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MeasureOnce brings a device up and measures one trial. The device stays up until the lab is
// closed: the caller can store the result first, so that an error while closing does not lose it.
// The observation's warnings say what disturbs the lab on purpose.
func (l *Lab) MeasureOnce(ctx context.Context, device dut.Device, set Settings, trial rfc2544.Trial) (seen rfc2544.Observation, engine string, err error) {
	wire, err := l.Calibrate(ctx, set, trial.Size)
	if err != nil {
		return seen, "", err
	}
	set.Engine = wire.Engine
	b, err := l.Setup(ctx, device, set, trial.Size)
	if err != nil {
		return seen, wire.Engine, err
	}
	seen, err = b.Measure(ctx, trial)
	if err != nil {
		return seen, wire.Engine, errors.Join(err, b.Close())
	}
	seen.Warnings = append(seen.Warnings, l.Besides()...)
	l.Defer(b.Close)
	return seen, wire.Engine, nil
}
