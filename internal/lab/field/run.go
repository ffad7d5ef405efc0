package field

import (
	"context"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// run is a run that goes on.
type run struct {
	Plan
	lab Lab
}

// Run measures what the store does not have yet and fills f with all that was measured. The first device is the control.
// With an error, which means that the run ended early, f has what was measured so far.
func Run(ctx context.Context, l Lab, p Plan, f *field.Field) error {
	if err := p.Store.Load(ctx, p.Devices); err != nil {
		return err
	}
	defer func() { p.Fill(f) }()
	if p.whole() {
		return nil
	}
	var r result.Results
	var err error
	if p.Settings, err = lab.CalibrateAll(ctx, l, p.Settings, p.Sizes, &r); err != nil {
		return err
	}
	f.Host.Notes = append(f.Host.Notes, r.Host.Notes...)
	run := &run{p, l}
	if err := run.alone(ctx); err != nil {
		return err
	}
	if err := run.rounds(ctx); err != nil {
		return err
	}
	return run.behave(ctx)
}

// whole reports whether the store has every step.
func (p Plan) whole() bool {
	return !slices.ContainsFunc(p.Devices, func(d Device) bool {
		rec := p.Store.of(d)
		return rec.Alone == nil || p.takesPart(d) && len(rec.Rounds) < p.Profile.Rounds || len(rec.Behaviour) < len(p.testsOf(d))
	})
}

// Fill fills f with what the store has of the devices.
func (p Plan) Fill(f *field.Field) {
	f.Started, f.Control, f.Sizes, f.Profile = p.Store.Started, p.Control.Spec, p.Sizes, p.Profile.Name
	f.Devices = nil
	readings := map[rfc2544.FrameSize]map[string]control.Reading{}
	for _, s := range p.Sizes {
		readings[s] = p.readings(s)
	}
	for _, d := range p.Devices {
		rec := p.Store.of(d)
		out := field.Device{Name: d.Spec, Kind: d.Kind, Carries: d.Carries, About: d.About, State: field.NotMeasured, Why: "the run ended before it", Points: []field.Point{}}
		if a := rec.Alone; a != nil {
			out.State, out.Why, out.Memory, out.Goodput, out.Behaviour = a.State, a.Why, a.Memory, a.Goodput, rec.Behaviour
			for _, point := range a.Points {
				if reading, ok := readings[point.Size][d.Spec]; ok {
					point.Rate, point.Normal, point.Share = interval(reading.Rate, reading), interval(reading.Normal, reading), interval(reading.Ratio, reading)
				}
				out.Points = append(out.Points, point)
			}
		}
		if why, died := rec.beside(); died && out.State == field.Works {
			out.State, out.Why = field.Overloaded, "it ended beside plain in each round: "+why
		} else if why != "" {
			f.Host.Notes = append(f.Host.Notes, d.Spec+" was not measured beside plain: "+why)
		}
		f.Devices = append(f.Devices, out)
	}
}

// readings returns what the devices showed beside the control at a frame size, by name.
func (p Plan) readings(s rfc2544.FrameSize) map[string]control.Reading {
	blocks := map[string][][]control.Block{}
	var all []control.Block // of all devices; each has the control's rate of its moment
	var lines []control.Line
	for _, d := range p.Devices {
		own := p.Store.of(d).blocks(s)
		if len(slices.Concat(own...)) > len(slices.Concat(blocks[p.Control.Spec]...)) {
			blocks[p.Control.Spec] = alike(own)
		}
		if d.Spec != p.Control.Spec {
			blocks[d.Spec], all, lines = own, slices.Concat(all, slices.Concat(own...)), append(lines, control.LineOf(own))
		}
	}
	nominal, expected := control.Usual(all), control.Expected(lines)
	out := map[string]control.Reading{}
	for _, d := range p.Devices {
		line := expected
		if d.Spec == p.Control.Spec {
			line = control.Itself
		}
		if reading, ok := control.ReadBlocks(blocks[d.Spec], nominal, line); ok {
			out[d.Spec] = reading
		}
	}
	return out
}

// blocks returns the blocks of each round at a frame size.
func (r *record) blocks(s rfc2544.FrameSize) (all [][]control.Block) {
	for _, one := range r.Rounds {
		for _, at := range one.Sizes {
			if at.Size == s {
				all = append(all, at.Blocks)
			}
		}
	}
	return all
}

// alike returns the blocks of the control beside itself.
func alike(bringUps [][]control.Block) (out [][]control.Block) {
	for _, blocks := range bringUps {
		var own []control.Block
		for _, b := range blocks {
			own = append(own, control.Block{Control: b.Control, Device: b.Control})
		}
		out = append(out, own)
	}
	return out
}

// interval returns an interval of a reading. The bounds of a rate are percentiles, so a skewed mean may be outside.
func interval(i control.Interval, of control.Reading) *field.Interval {
	return &field.Interval{Value: i.Value, Lower: min(i.Lower, i.Value), Upper: max(i.Upper, i.Value), N: of.Blocks}
}
