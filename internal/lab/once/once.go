// Package once measures a single trial.
package once

import (
	"context"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Trial is a single trial of a device.
type Trial struct {
	Device dut.Device
	rfc2544.Trial
}

// Measure brings the trial's device up and measures it. The device stays up until the lab is closed:
// the caller can store the result first, so that an error while closing does not lose it. The
// observation's warnings have the lab's doubts. If ctx ends during the trial, Measure
// returns what there is of it, as rfc2544.CutShort, and the error of ctx.
func Measure(ctx context.Context, l *lab.Lab, set lab.Settings, t Trial) (seen rfc2544.Observation, engine string, err error) {
	wire, err := l.Calibrate(ctx, set, t.Size)
	if err != nil {
		return seen, "", err
	}
	set.Engine = wire.Engine
	b, err := l.Setup(ctx, t.Device, set, t.Size)
	if err != nil {
		return seen, wire.Engine, err
	}
	l.Defer(b.Close)
	seen, err = b.Measure(ctx, t.Trial)
	seen.Warnings = append(seen.Warnings, l.Doubts()...)
	return seen, wire.Engine, err
}
