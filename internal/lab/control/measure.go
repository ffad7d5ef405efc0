package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Lab is the laboratory that the control needs.
type Lab interface {
	// Group brings several devices up at once. The error wraps errors.ErrUnsupported if they cannot be.
	Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Group, error)
}

// Group is several devices that are up at once and are measured in turns.
type Group interface {
	MeasureTurns(ctx context.Context, t rfc2544.Trial, turns loadgen.Turns) ([]lab.Turned, error)
	Close() error
}

// Window is the number of frames in flight in a closed loop: enough to keep a device busy, too few
// to fill its queues.
const Window = 64

// ClosedLoop is the trial that shows the rate that a device sustains without loss.
func ClosedLoop(size rfc2544.FrameSize) rfc2544.Trial {
	return rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: 500 * time.Millisecond, Traffic: rfc2544.Traffic{Window: Window}}
}

// Turns is how devices that are up at once take turns: 20 ms each, of which the last two are quiet.
// Neighbouring turns meet the same machine.
var Turns = loadgen.Turns{Slices: 2, Quiet: 2 * time.Millisecond, Rounds: 15}

// Plan describes what is measured beside the control.
type Plan struct {
	Settings lab.Settings
	Control  dut.Device
	Devices  []dut.Device
	Size     rfc2544.FrameSize
}

// Series is the measurements of one plan: several bring-ups, best spread over the time of a run.
type Series struct {
	plan    Plan
	devices []dut.Device // the control first
	blocks  map[string][][]Block
	left    []error // why devices were left out, and why the series ended
	ended   bool
}

// NewSeries returns a series without measurements.
func NewSeries(p Plan) *Series {
	s := &Series{plan: p, devices: []dut.Device{p.Control}, blocks: map[string][][]Block{}}
	for _, d := range p.Devices {
		if d.Up != nil && d.Spec != p.Control.Spec {
			s.devices = append(s.devices, d)
		}
	}
	return s
}

// BringUp brings the control and all devices up at once and measures them. A device that cannot
// come up, or not beside others, is left out from then on. Without any device beside the control the
// error wraps errors.ErrUnsupported.
func (s *Series) BringUp(ctx context.Context, l Lab) error {
	for !s.ended {
		if len(s.devices) < 2 {
			return fmt.Errorf("%w: no device can be up beside %s", errors.ErrUnsupported, s.plan.Control.Spec)
		}
		turned, err := turns(ctx, l, s.plan, s.devices)
		var member lab.MemberError
		if err != nil && ctx.Err() == nil && errors.As(err, &member) && member.Index > 0 {
			s.left = append(s.left, err)
			s.devices = slices.Delete(slices.Clone(s.devices), member.Index, member.Index+1)
			continue
		}
		if err != nil {
			return err
		}
		for k, d := range s.devices {
			s.blocks[d.Spec] = append(s.blocks[d.Spec], blocksOf(turned[0], turned[k]))
		}
		return nil
	}
	return nil
}

// End lets later bring-ups do nothing; what was measured stays.
func (s *Series) End(why error) { s.left, s.ended = append(s.left, why), true }

// Left returns why devices were left out, and why the series ended.
func (s *Series) Left() []error { return s.left }

// Readings returns what the control and the devices showed so far, the control's first, without
// devices that were disturbed too much.
func (s *Series) Readings() (out []Reading) {
	for _, d := range s.devices {
		if r, ok := read(s.blocks[d.Spec]); ok {
			r.Device = d
			out = append(out, r)
		}
	}
	return out
}

func turns(ctx context.Context, l Lab, p Plan, devices []dut.Device) (turned []lab.Turned, err error) {
	g, err := l.Group(ctx, devices, p.Settings, p.Size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	warm := Turns
	warm.Rounds = 1
	if _, err := g.MeasureTurns(ctx, ClosedLoop(p.Size), warm); err != nil {
		return nil, err
	}
	some := Turns
	some.Rounds = 10
	return g.MeasureTurns(ctx, ClosedLoop(p.Size), some)
}

// FewestTurns returns how many turns every device has.
func FewestTurns(turned []lab.Turned) int {
	n := len(turned[0].Turns)
	for _, t := range turned {
		n = min(n, len(t.Turns))
	}
	return n
}

// AllClean reports whether nothing disturbed the i-th turn of any device: what is compared was then
// measured side by side.
func AllClean(turned []lab.Turned, i int) bool {
	return !slices.ContainsFunc(turned, func(t lab.Turned) bool { return !t.Turns[i].Clean })
}
