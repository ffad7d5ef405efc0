package lab

import (
	"context"
	"errors"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MeasureReset runs one trial and resets the device in the middle. It implements rfc2544.Resetter.
// The commands that reset the device run on the device's cores, so that the tester keeps its own.
func (s *Setup) MeasureReset(ctx context.Context, t rfc2544.Trial, reset rfc2544.Reset) (rfc2544.Observation, error) {
	if err := s.canReset(reset.Kind); err != nil {
		return rfc2544.Observation{}, err
	}
	if err := rest(ctx, t.Rest); err != nil {
		return rfc2544.Observation{}, err
	}
	if err := sys.PinProcess(s.lab.cpus.DUT); err != nil {
		return rfc2544.Observation{}, err
	}
	r := Run{Plan: s.Plan(t)}
	done := make(chan error, 1)
	go func() { done <- s.reset(ctx, reset) }()
	var err error
	r.Ledger, err = s.engine.Run(ctx, r.Plan)
	err = errors.Join(err, <-done, sys.PinProcess(s.lab.cpus.Tester))
	if err == nil {
		err = s.Alive()
	}
	if err != nil {
		return rfc2544.Observation{}, err
	}
	// The reset itself uses the device's cores; this is not a stall of the machine.
	r.Ledger.StallsBeyond = 0
	r.Ledger.Stalls = slices.DeleteFunc(r.Ledger.Stalls, func(s rfc2544.Stall) bool { return s.Side == rfc2544.SideDUT })
	o := r.observation(s.settings.Directions())
	o.Reject(r.classifyTester(o)...)
	return o, nil
}

// UnsupportedError is the reason why a device cannot do something.
type UnsupportedError string

func (e UnsupportedError) Error() string { return string(e) }

// Is reports whether target is errors.ErrUnsupported.
func (e UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// canReset returns an error that wraps errors.ErrUnsupported if the device has nothing to reset.
func (s *Setup) canReset(kind rfc2544.ResetKind) error {
	switch {
	case s.device.Up == nil:
		return UnsupportedError(s.device.Spec + " is no device")
	case kind == rfc2544.ResetProcess && !s.session.HasProcesses():
		return UnsupportedError(s.device.Spec + " runs in the kernel: it has no process to kill")
	case kind != rfc2544.ResetProcess && s.wan.HasProcesses():
		return UnsupportedError("with a relay on the wan link the device is not rebuilt")
	case kind != rfc2544.ResetProcess && s.lab.cfg.Keep:
		return UnsupportedError("with --keep the device is not rebuilt")
	}
	return nil
}

// reset resets the device while the tester sends.
func (s *Setup) reset(ctx context.Context, r rfc2544.Reset) error {
	if err := rest(ctx, r.At); err != nil {
		return err
	}
	s.session.Kill()
	if r.Kind != rfc2544.ResetProcess {
		if err := s.net.Rebuild(ctx, func() error { return rest(ctx, r.Off) }); err != nil {
			return err
		}
		if err := s.fitNetwork(ctx); err != nil {
			return err
		}
	}
	return s.bringUp(ctx)
}
