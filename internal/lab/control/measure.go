package control

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

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

// few is the turns of one measurement: after another device's trial the first ones only warm up.
func few() loadgen.Turns {
	t := Turns
	t.Rounds = warmRounds + 4
	return t
}

// Takes returns how long one measurement of so many devices takes.
func Takes(devices int) time.Duration {
	return time.Duration(few().Count(devices)) * few().Length()
}

// warmRounds is the rounds of turns at the beginning of a measurement that do not count.
const warmRounds = 1

// Series is the measurements of devices beside the control at one frame size: several bring-ups,
// each measured at several moments, since the machine's speed changes meanwhile.
type Series struct {
	size     rfc2544.FrameSize
	known    Known
	devices  []dut.Device // the control first
	blocks   map[string][][]Block
	bringUps int
	died     map[string]error
}

// NewSeries returns a series without measurements.
func NewSeries(size rfc2544.FrameSize, known Known) *Series {
	return &Series{size: size, known: known, blocks: map[string][][]Block{}, died: map[string]error{}}
}

// BringUp begins the measurements of another bring-up.
func (s *Series) BringUp() { s.bringUps++ }

// Died returns why a device died; nil if it did not.
func (s *Series) Died(device string) error { return s.died[device] }

// Shown is what a device showed in one measurement beside the control.
type Shown struct {
	Blocks []Block
	Died   error // not nil: it died, or the control did, and there are no blocks
}

// Measure measures the devices of a group once, in turns. The first one is the control.
func Measure(ctx context.Context, g Group, size rfc2544.FrameSize) ([]Shown, error) {
	turned, err := g.MeasureTurns(ctx, ClosedLoop(size), few())
	if err != nil {
		return nil, err
	}
	all := make([]Shown, len(turned))
	for k, t := range turned {
		if all[k].Died = either(t.Died, turned[0].Died); all[k].Died == nil {
			all[k].Blocks = blocksOf(warm(turned[0]), warm(t))
		}
	}
	return all, nil
}

// Measure measures the devices of a group once, in turns. The first one is the control. A device that
// has died is left out.
func (s *Series) Measure(ctx context.Context, g Group, devices []dut.Device) error {
	all, err := Measure(ctx, g, s.size)
	if err != nil {
		return err
	}
	for k, d := range devices {
		if err := all[k].Died; err != nil {
			s.died[d.Spec] = err
			continue
		}
		if !slices.ContainsFunc(s.devices, func(o dut.Device) bool { return o.Spec == d.Spec }) {
			s.devices = append(s.devices, d)
		}
		of := s.blocks[d.Spec]
		for len(of) < s.bringUps {
			of = append(of, nil)
		}
		last := len(of) - 1
		of[last] = append(of[last], all[k].Blocks...)
		s.blocks[d.Spec] = of
	}
	return nil
}

func either(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// warm returns the turns without those that warm up.
func warm(t lab.Turned) lab.Turned {
	t.Turns = t.Turns[min(len(t.Turns), warmRounds*blockTurns):]
	return t
}

// Readings returns what the control and the devices showed so far, the control's first, without
// devices that were disturbed too much.
func (s *Series) Readings() (out []Reading) {
	if len(s.devices) == 0 {
		return nil
	}
	control := s.devices[0].Spec
	nominal, ofRun := s.known.NominalRate(slices.Concat(s.blocks[control]...))
	for _, d := range s.devices {
		line := s.known.Lines[d.Spec]
		if d.Spec == control {
			line = Itself
		}
		if r, ok := ReadBlocks(s.blocks[d.Spec], nominal, line); ok {
			r.Device, r.NominalOfRun = d, ofRun
			out = append(out, r)
		}
	}
	return out
}

// living returns the devices that did not die.
func living(turned []lab.Turned) []lab.Turned {
	return slices.DeleteFunc(slices.Clone(turned), func(t lab.Turned) bool { return t.Died != nil })
}

// Enough reports whether each of the devices has enough blocks for a reading, or has died.
func (s *Series) Enough(devices []dut.Device) bool {
	return !slices.ContainsFunc(devices, func(d dut.Device) bool {
		return s.died[d.Spec] == nil && len(carried(slices.Concat(s.blocks[d.Spec]...))) < enoughBlocks
	})
}

// FewestTurns returns how many turns every device has that did not die.
func FewestTurns(turned []lab.Turned) int {
	n := 0
	for i, t := range living(turned) {
		if i == 0 || len(t.Turns) < n {
			n = len(t.Turns)
		}
	}
	return n
}

// AllClean reports whether nothing disturbed the i-th turn of any device that did not die: what is
// compared was then measured side by side.
func AllClean(turned []lab.Turned, i int) bool {
	return !slices.ContainsFunc(living(turned), func(t lab.Turned) bool { return !t.Turns[i].Clean })
}
