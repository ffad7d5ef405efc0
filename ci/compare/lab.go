package compare

import (
	"context"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Lab is the part of the lab that a comparison uses.
type Lab interface {
	lab.Calibrator
	// Setup starts a device for frames up to the largest size.
	Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error)
	// Group brings several devices up at once. The error wraps errors.ErrUnsupported if they cannot be.
	Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error)
	// Shared reports whether tester and device share a core.
	Shared() bool
}

// Setup is a running device.
type Setup interface {
	lab.Resettable
	Device() dut.Device
	MeasureRun(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, lab.Run, error)
	Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error)
	MaxForwardingRate(ctx context.Context, size rfc2544.FrameSize, most rfc2544.Rate) (rfc2544.Rate, error)
	Spins() bool
	ReportsVitals() bool
	Vitals() (map[string]dut.Vitals, error)
	Close() error
}

// On returns the lab on this machine.
func On(l *lab.Lab) Lab { return machine{l} }

type machine struct{ *lab.Lab }

// Setup implements Lab.
func (m machine) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	b, err := m.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err // a nil interface, not a Setup with a nil pointer
	}
	return b, nil
}

// Group implements Lab.
func (m machine) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	g, err := m.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}
