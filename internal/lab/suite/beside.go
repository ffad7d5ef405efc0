package suite

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// beside measures the control and all devices at every frame size, side by side. A machine that
// cannot do that gets a note.
func (p Plan) beside(ctx context.Context, l Lab, r *result.Results) error {
	if p.Control == nil {
		return nil
	}
	for _, size := range p.Sizes {
		readings, err := control.Measure(ctx, l, control.Plan{
			Settings: p.Settings, Control: *p.Control, Devices: p.Devices, Size: size, BringUps: max(1, besideBringUps/len(p.Sizes)),
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var member lab.MemberError
		switch {
		case errors.Is(err, errors.ErrUnsupported) || errors.As(err, &member):
			r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("no device was measured beside %s at %d bytes: %v", p.Control.Spec, size, err))
		case err != nil:
			return err
		}
		for _, reading := range readings {
			p.addReading(r, reading, size)
		}
	}
	return nil
}

// besideBringUps is the number of bring-ups beside the control, over all frame sizes.
const besideBringUps = 3

// addReading adds the result of one device, unless it only ran along as the control.
func (p Plan) addReading(r *result.Results, reading control.Reading, size rfc2544.FrameSize) {
	asked := false
	for _, d := range p.Devices {
		asked = asked || d.Spec == reading.Device.Spec
	}
	if !asked {
		return
	}
	res := lab.NewResult(p.Settings, reading.Device, rfc2544.NameClosedLoop, size)
	res.Valid = true
	value := func(name, unit string, i control.Interval, scale float64) {
		lower, upper := scale*i.Lower, scale*i.Upper
		res.Values = append(res.Values, rfc2544.Value{Name: name, Unit: unit, Value: scale * i.Value, Lower: &lower, Upper: &upper, N: reading.Blocks, Better: 1})
	}
	const perCent = 100
	value("closed_loop_rate", "fps", reading.Rate, 1)
	value("normal_rate", "fps", reading.Normal, 1)
	if reading.Device.Spec != p.Control.Spec {
		value("ratio_to_"+p.Control.Name, "%", reading.Ratio, perCent)
	}
	p.add(r, res)
}
