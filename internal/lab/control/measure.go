package control

import (
	"context"
	"errors"
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
	BringUps int
}

// Measure measures the control and the devices, and returns a reading for each of them, the
// control's first. A device that cannot come up, or not beside others, has no reading. Without any
// device beside the control the error wraps errors.ErrUnsupported.
func Measure(ctx context.Context, l Lab, p Plan) ([]Reading, error) {
	devices := []dut.Device{p.Control}
	for _, d := range p.Devices {
		if d.Up != nil && d.Spec != p.Control.Spec {
			devices = append(devices, d)
		}
	}
	blocks := map[string][][]Block{}
	for range p.BringUps {
		turned, kept, err := bringUp(ctx, l, p, devices)
		if err != nil {
			return nil, err
		}
		devices = kept
		for k, d := range devices {
			blocks[d.Spec] = append(blocks[d.Spec], blocksOf(turned, k))
		}
	}
	var out []Reading
	for _, d := range devices {
		if r, ok := read(blocks[d.Spec]); ok {
			r.Device = d
			out = append(out, r)
		}
	}
	return out, nil
}

// bringUp measures all devices once, without those that fail.
func bringUp(ctx context.Context, l Lab, p Plan, devices []dut.Device) ([]lab.Turned, []dut.Device, error) {
	for {
		if len(devices) < 2 {
			return nil, devices, errors.ErrUnsupported
		}
		turned, err := turns(ctx, l, p, devices)
		var member lab.MemberError
		if err == nil || ctx.Err() != nil || !errors.As(err, &member) || member.Index == 0 {
			return turned, devices, err
		}
		devices = slices.Delete(slices.Clone(devices), member.Index, member.Index+1)
	}
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
	return g.MeasureTurns(ctx, ClosedLoop(p.Size), Turns)
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
