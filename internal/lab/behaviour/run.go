package behaviour

import (
	"context"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Plan says what is tested.
type Plan struct {
	Devices []dut.Device
	Tests   []Test
	Long    bool // as Bench.Long
	// OnFinding is called after each test. It may be nil.
	OnFinding func(device string, f behaviour.Finding)
}

// Run makes the tests of a plan on its devices, one after the other. If ctx ends, the rest is not measured.
func Run(ctx context.Context, l *lab.Lab, p Plan) (found []behaviour.Device) {
	for _, d := range p.Devices {
		b := &Bench{Lab: l, Device: d, Long: p.Long}
		of := behaviour.Device{Device: d.Spec}
		for _, t := range p.Tests {
			f := behaviour.Finding{Test: t.Name, Verdict: behaviour.NotMeasured}
			if ctx.Err() != nil {
				f.Why = context.Cause(ctx).Error()
			} else {
				f = t.On(ctx, b)
			}
			of.Findings = append(of.Findings, f)
			if p.OnFinding != nil {
				p.OnFinding(d.Spec, f)
			}
		}
		found = append(found, of)
	}
	return found
}
