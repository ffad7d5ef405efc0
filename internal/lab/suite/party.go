package suite

import (
	"context"
	"errors"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// party is devices that are up at once.
type party struct {
	devices     []dut.Device // of the set-ups; the control is the first if withControl is true
	setups      []Setup
	group       Group // nil: a device alone
	withControl bool
	guest       bool // the control is up for comparison only
}

// inTurns calls measure for every device; all are measured in turns. It calls between before each
// cycle of turns; an error of it ends the measuring, as does the end of the context.
func (p party) inTurns(ctx context.Context, between func(cycle int) error, measure func(context.Context, dut.Device, Setup)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var procedures []func(yield func())
	for i, d := range p.devices {
		if i > 0 || !p.guest {
			procedures = append(procedures, func(yield func()) { measure(ctx, d, member{p.setups[i], yield}) })
		}
	}
	inTurns(procedures, func(cycle int) {
		if err := between(cycle); err != nil {
			cancel(err)
		}
	})
	return context.Cause(ctx)
}

// parties brings devices up, as many as possible at once, so that they are measured in turns:
//
//	plain, vxlan, reference │ wire │ a device that spins
//	     up at once         │alone │ alone
type parties struct {
	lab   Lab
	plan  Plan
	alone map[string]error // devices that cannot be up beside others, and why
}

func newParties(l Lab, p Plan) parties {
	ps := parties{l, p, map[string]error{}}
	for _, d := range p.Devices {
		if d.Up == nil {
			ps.alone[d.Spec] = errNoDevice
		}
	}
	return ps
}

// errNoDevice is why the bare wire is measured alone.
var errNoDevice = errors.New("it is no device")

// isAlone reports whether a device cannot be up beside others.
func (ps parties) isAlone(d dut.Device) bool { return ps.alone[d.Spec] != nil }

// each brings the devices up and calls measure for each party, then takes it down. It calls failed
// for a device that does not come up. An error of measure ends it.
func (ps parties) each(ctx context.Context, devices []dut.Device, measure func(party) error, failed func(dut.Device, error)) error {
	together, most := slices.DeleteFunc(slices.Clone(devices), ps.isAlone), loadgen.MaxLanes
	if c := ps.plan.Control; c != nil && slices.ContainsFunc(together, sameAs(*c)) {
		together = withControl(c, together)
	}
	if c := ps.plan.Control; c != nil && (len(together) > most || !slices.ContainsFunc(together, sameAs(*c))) {
		most-- // the control is up in every party
	}
	for some := range slices.Chunk(together, most) {
		if err := ps.gather(ctx, some, measure); err != nil {
			return err
		}
	}
	for _, d := range devices {
		if !ps.isAlone(d) {
			continue
		}
		if err := ps.single(ctx, d, measure, failed); err != nil {
			return err
		}
	}
	return nil
}

// single brings one device up alone.
func (ps parties) single(ctx context.Context, d dut.Device, measure func(party) error, failed func(dut.Device, error)) error {
	b, err := ps.lab.Setup(ctx, d, ps.plan.Settings, slices.Max(ps.plan.Sizes))
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err != nil {
		failed(d, err)
		return nil
	}
	return errors.Join(measure(party{devices: []dut.Device{d}, setups: []Setup{b}}), b.Close())
}

// gather brings devices up at once, with the control if there is one. A device that fails among
// others is measured alone from then on; all of them, if they cannot be up at once.
func (ps parties) gather(ctx context.Context, devices []dut.Device, measure func(party) error) error {
	with := ps.plan.Control
	if with != nil && ps.isAlone(*with) {
		with = nil
	}
	for len(devices) > 0 {
		p := party{devices: withControl(with, devices), withControl: with != nil}
		p.guest = len(p.devices) > len(devices)
		g, err := ps.lab.Group(ctx, p.devices, ps.plan.Settings, slices.Max(ps.plan.Sizes))
		if err == nil {
			p.group, p.setups = g, g.Members()
			return errors.Join(measure(p), g.Close())
		}
		var who lab.MemberError
		isMember := errors.As(err, &who)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case isMember:
			faulty := p.devices[who.Index]
			ps.alone[faulty.Spec] = err
			devices = slices.DeleteFunc(slices.Clone(devices), sameAs(faulty))
			if p.withControl && who.Index == 0 {
				with = nil
			}
		default:
			for _, d := range devices {
				ps.alone[d.Spec] = err
			}
			return nil
		}
	}
	return nil
}

func sameAs(d dut.Device) func(dut.Device) bool {
	return func(o dut.Device) bool { return o.Spec == d.Spec }
}

// withControl returns the control, if there is one, and then the other devices.
func withControl(control *dut.Device, devices []dut.Device) []dut.Device {
	if control == nil {
		return devices
	}
	others := slices.DeleteFunc(slices.Clone(devices), sameAs(*control))
	return append([]dut.Device{*control}, others...)
}
