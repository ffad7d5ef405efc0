package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// rates are what the pilot learns of the devices.
type rates struct {
	slowest, fastest rfc2544.Rate
	ceiling          rfc2544.Rate // the most that can be offered to all
}

// Pilot chooses the loads, which are the same for all devices, and finds out whether the devices
// can be up at once. The light load is half of the slowest device's rate; the overload makes the
// fastest device lose frames. It removes metrics that these devices do not have.
func Pilot(ctx context.Context, l Lab, p Plan, c *result.Comparison) (together bool, err error) {
	var found rates
	if slices.ContainsFunc(c.Metrics, func(m result.Metric) bool { return takesTurns(m.Name) }) {
		found, err = pilotTogether(ctx, l, p, c)
		if together = err == nil; err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return false, err
		}
	}
	if !together || slices.ContainsFunc(c.Metrics, func(m result.Metric) bool { return !takesTurns(m.Name) }) {
		if found, err = pilotAlone(ctx, l, p, c); err != nil {
			return false, err
		}
		const overload = 1.5
		c.Overload = lab.RoundLoad(min(overload*found.fastest, found.ceiling))
		if has(c.Metrics, "forwarding_rate") && c.Overload < 1.1*found.fastest {
			c.Warnings = append(c.Warnings, fmt.Sprintf("no more than %v can be offered, which is hardly more than the fastest device forwards: its forwarding rate may be the tester's", c.Overload))
		}
	}
	c.Light = lab.RoundLoad(found.slowest / 2)
	return together, nil
}

// pilotTogether measures all devices in a closed loop.
func pilotTogether(ctx context.Context, l Lab, p Plan, c *result.Comparison) (found rates, err error) {
	g, err := l.Group(ctx, p.Devices, p.Settings, p.Size)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	turned, err := g.MeasureTurns(ctx, control.ClosedLoop(p.Size), loadgen.Turns{Slices: control.Turns.Slices, Quiet: control.Turns.Quiet, Rounds: 2})
	if err != nil {
		return found, err
	}
	if l.Shared() {
		leaveOut(c, cpuMetric, "tester and device share a core")
	}
	found = rates{slowest: rfc2544.Flood}
	for k, t := range turned {
		rate := rfc2544.Rate(0)
		for _, turn := range t.Turns {
			rate = max(rate, rfc2544.Rate(turn.Rate()/float64(len(p.Settings.Directions()))))
		}
		if rate == 0 {
			return found, fmt.Errorf("%w: %s forwarded nothing", lab.ErrDied, p.Names[k])
		}
		found.slowest, found.fastest = min(found.slowest, rate), max(found.fastest, rate)
	}
	if p.Shaped {
		found.slowest = min(found.slowest, p.Link.MaxFrameRate(p.Size))
	}
	return found, nil
}

// pilotAlone brings up the devices one after the other and overloads each.
func pilotAlone(ctx context.Context, l Lab, p Plan, c *result.Comparison) (rates, error) {
	found := rates{slowest: rfc2544.Flood, ceiling: rfc2544.Flood}
	for i, d := range p.Devices {
		b, err := l.Setup(ctx, d, p.Settings, p.Size)
		if err != nil {
			return found, err
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
			return found, err
		}
		if forwards == 0 {
			return found, fmt.Errorf("%w: %s forwarded nothing", lab.ErrDied, p.Names[i])
		}
		found.slowest, found.fastest, found.ceiling = min(found.slowest, forwards), max(found.fastest, forwards), min(found.ceiling, most)
	}
	return found, nil
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
