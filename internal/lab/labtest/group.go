package labtest

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Group is several simulated devices that are up at once.
type Group struct{ Setups []*Setup }

// Group brings several devices up side by side.
func (l *Lab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (*Group, error) {
	g := &Group{}
	for i, d := range devices {
		b, err := l.Setup(ctx, d, s, largest)
		if err != nil {
			return nil, errors.Join(lab.MemberError{Index: i, Err: err}, g.Close())
		}
		g.Setups = append(g.Setups, b)
	}
	return g, nil
}

// MeasureTurns measures every device in turns. In a closed loop a device forwards at its own rate
// and loses nothing.
func (g *Group) MeasureTurns(ctx context.Context, t rfc2544.Trial, turns loadgen.Turns) ([]lab.Turned, error) {
	all := make([]lab.Turned, len(g.Setups))
	t.Duration = turns.Length() - turns.Quiet
	for round := range turns.Rounds * 2 {
		for i, s := range g.Setups {
			if all[i].Died = s.count(); all[i].Died != nil {
				continue
			}
			o, err := s.simulated.Measure(ctx, t)
			if err != nil {
				return nil, err
			}
			all[i].LatencyQuiet = o.LatencyQuiet
			all[i].Turns = append(all[i].Turns, lab.Turn{
				Number: 1 + round*len(g.Setups) + i, Clean: o.CleanTime() == o.Duration, Sending: t.Duration, Sent: o.Received, Received: o.Received,
				Latency: 10 * time.Microsecond, CPU: simulatedCPU,
			})
		}
	}
	return all, nil
}

// simulatedCPU is what every simulated device takes for a frame, in ns.
const simulatedCPU = 1000

// Close takes the devices down.
func (g *Group) Close() error {
	var errs []error
	for _, s := range g.Setups {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
