package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// beside is the measurements of a run's devices beside the control, one series per frame size. They
// are spread over the run, since the machine's speed changes meanwhile.
type beside struct {
	plan   Plan
	series map[rfc2544.FrameSize]*control.Series
}

// newBeside returns a run's series. The machine's self-test, if there is one, knows how fast the
// control can be.
func newBeside(p Plan, c *result.Certificate) beside {
	b := beside{p, map[rfc2544.FrameSize]*control.Series{}}
	if p.Control != nil {
		for _, size := range p.Sizes {
			b.series[size] = control.NewSeries(size, control.KnownFrom(c, p.Settings, p.Control.Spec, size))
		}
	}
	return b
}

// begin begins another bring-up.
func (b beside) begin() {
	for _, s := range b.series {
		s.BringUp()
	}
}

// cyclesBetween is how many trials each device has between two measurements beside the control.
const cyclesBetween = 6

// between measures all devices of a party, now and then: at the beginning at every frame size, later at
// one after the other.
func (b beside) between(ctx context.Context, p party, cycle int) error {
	switch n, rest := cycle/cyclesBetween, cycle%cyclesBetween; {
	case cycle == 0:
		return b.all(ctx, p)
	case rest == 0:
		return b.measure(ctx, p, b.plan.Sizes[n%len(b.plan.Sizes)])
	}
	return nil
}

// all measures all devices of a party at every frame size.
func (b beside) all(ctx context.Context, p party) error {
	for _, size := range b.plan.Sizes {
		if err := b.measure(ctx, p, size); err != nil {
			return err
		}
	}
	return nil
}

// mostRepeats is how often a measurement at the end of a round is repeated on a machine that is too
// busy for a reading.
const mostRepeats = 15

// end measures all devices of a party at every frame size, and again while one lacks clean time.
func (b beside) end(ctx context.Context, p party) error {
	if err := b.all(ctx, p); err != nil || !p.withControl {
		return err
	}
	for _, size := range b.plan.Sizes {
		for n := 0; n < mostRepeats && ctx.Err() == nil && !b.series[size].Enough(p.devices); n++ {
			if err := b.measure(ctx, p, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure measures all devices of a party, those that have died left out.
func (b beside) measure(ctx context.Context, p party, size rfc2544.FrameSize) error {
	if !p.withControl || len(p.devices) < 2 || ctx.Err() != nil {
		return nil
	}
	return b.series[size].Measure(ctx, p.group, p.devices)
}

// add adds the results of all devices, without a control that nobody asked for. A note says of which
// devices nothing could be measured, and why.
func (b beside) add(r *result.Results, alone map[string]error) {
	for _, size := range b.plan.Sizes {
		if b.series[size] == nil {
			continue
		}
		readings := map[string]control.Reading{}
		for _, reading := range b.series[size].Readings() {
			readings[reading.Device.Spec] = reading
		}
		ofRun := false
		for _, d := range b.plan.Devices {
			ofRun = ofRun || readings[d.Spec].NominalOfRun
			if reading, ok := readings[d.Spec]; ok {
				b.plan.add(r, b.resultOf(reading, size))
			} else if d.Up != nil {
				r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("%s at %d bytes is not measured beside %s: %s", d.Spec, size, b.plan.Control.Spec, b.why(d.Spec, size, alone)))
			}
		}
		if ofRun {
			r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("normal rates at %d bytes are at the best speed that %s had in this run: the machine's self-test knows no better one", size, b.plan.Control.Spec))
		}
	}
}

// why returns why a device was not measured, on one line.
func (b beside) why(spec string, size rfc2544.FrameSize, alone map[string]error) string {
	for _, err := range []error{alone[spec], b.series[size].Died(spec), alone[b.plan.Control.Spec]} {
		if err != nil {
			return strings.ReplaceAll(err.Error(), "\n", "; ")
		}
	}
	return "the run ended before, or too little time was undisturbed"
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
