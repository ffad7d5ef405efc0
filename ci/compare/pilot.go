package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Pilot chooses the loads, which are the same for all devices. The overload makes the fastest
// device lose frames; the light load is half of the slowest device's forwarding rate. It removes
// metrics that these devices do not have.
func Pilot(ctx context.Context, l Lab, p Plan, c *result.Comparison) error {
	const overload = 1.5
	slowest, fastest, ceiling := rfc2544.Flood, rfc2544.Rate(0), rfc2544.Flood
	for i, d := range p.Devices {
		b, err := l.Setup(ctx, d, p.Settings, p.Size)
		if err != nil {
			return err
		}
		if b.Spins() || l.Shared() {
			leaveOut(c, cpuMetric, p.Names[i]+" or its wan link keeps a core busy with nothing to do, or shares one with the tester")
		}
		if !b.ReportsVitals() {
			leaveOut(c, allocMetric, p.Names[i]+" does not report what it allocates")
		}
		most, _, err := b.Explore(ctx, p.Size)
		if p.Shaped {
			most = min(most, p.Link.MaxFrameRate(p.Size))
		}
		var forwards rfc2544.Rate
		if err == nil {
			forwards, err = b.MaxForwardingRate(ctx, p.Size, most)
		}
		if err = errors.Join(err, b.Close()); err != nil {
			return err
		}
		if forwards == 0 {
			return fmt.Errorf("%w: %s forwarded nothing", lab.ErrDied, p.Names[i])
		}
		slowest, fastest, ceiling = min(slowest, forwards), max(fastest, forwards), min(ceiling, most)
	}
	c.Overload, c.Light = lab.RoundLoad(min(overload*fastest, ceiling)), lab.RoundLoad(slowest/2)
	if c.Overload < 1.1*fastest {
		c.Warnings = append(c.Warnings, fmt.Sprintf("no more than %v can be offered, which is hardly more than the fastest device forwards: its forwarding rate may be the tester's", c.Overload))
	}
	return nil
}

// leaveOut removes a metric that cannot be measured, so that the other metrics share the risk of a
// wrong verdict.
func leaveOut(c *result.Comparison, metric, why string) {
	before := len(c.Metrics)
	c.Metrics = slices.DeleteFunc(c.Metrics, func(m result.Metric) bool { return m.Name == metric })
	if len(c.Metrics) < before {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s is left out: %s", metric, why))
	}
}
