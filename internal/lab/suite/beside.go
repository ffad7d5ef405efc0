package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// beside is the measurements of a run's devices beside the control, one series per frame size. Its
// bring-ups are spread over the run, since the machine's speed changes meanwhile.
type beside struct {
	plan   Plan
	series map[rfc2544.FrameSize]*control.Series
}

func newBeside(p Plan) beside {
	b := beside{p, map[rfc2544.FrameSize]*control.Series{}}
	if p.Control != nil {
		for _, size := range p.Sizes {
			b.series[size] = control.NewSeries(control.Plan{Settings: p.Settings, Control: *p.Control, Devices: p.Devices, Size: size})
		}
	}
	return b
}

// bringUp measures all devices once, at every frame size.
func (b beside) bringUp(ctx context.Context, l Lab, r *result.Results) error {
	for _, size := range b.plan.Sizes {
		s := b.series[size]
		if s == nil {
			continue
		}
		err := s.BringUp(ctx, l)
		var member lab.MemberError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errors.ErrUnsupported) || errors.As(err, &member):
			s.End(err)
		case err != nil:
			return err
		}
	}
	return nil
}

// add adds the results of all devices, without a control that nobody asked for. A note says what
// could not be measured.
func (b beside) add(r *result.Results) {
	for _, size := range b.plan.Sizes {
		if b.series[size] == nil {
			continue
		}
		for _, why := range b.series[size].Left() {
			r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("not measured beside %s at %d bytes: %s", b.plan.Control.Spec, size, strings.ReplaceAll(why.Error(), "\n", "; ")))
		}
		for _, reading := range b.series[size].Readings() {
			if slices.ContainsFunc(b.plan.Devices, func(d dut.Device) bool { return d.Spec == reading.Device.Spec }) {
				b.plan.add(r, b.resultOf(reading, size))
			}
		}
	}
}

func (b beside) resultOf(reading control.Reading, size rfc2544.FrameSize) result.Result {
	res := lab.NewResult(b.plan.Settings, reading.Device, rfc2544.NameClosedLoop, size)
	res.Valid = true
	value := func(name, unit string, i control.Interval, scale float64) {
		lower, upper := scale*i.Lower, scale*i.Upper
		res.Values = append(res.Values, rfc2544.Value{Name: name, Unit: unit, Value: scale * i.Value, Lower: &lower, Upper: &upper, N: reading.Blocks, Better: 1})
	}
	const perCent = 100
	value("closed_loop_rate", "fps", reading.Rate, 1)
	value("normal_rate", "fps", reading.Normal, 1)
	if reading.Device.Spec != b.plan.Control.Spec {
		value("ratio_to_"+b.plan.Control.Name, "%", reading.Ratio, perCent)
	}
	return res
}
