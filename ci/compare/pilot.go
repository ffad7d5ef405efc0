package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// ErrSilent is wrapped by the error on a device that comes up and forwards nothing under load.
var ErrSilent = errors.New("forwards nothing under load")

// silentError says that a device is silent, which is its own failure.
func silentError(device string) error {
	return lab.DownError{Err: fmt.Errorf("%s %w", device, ErrSilent)}
}

// rates are what the pilot learns of the devices.
type rates struct {
	failed           []error // by device: why it is left out
	slowest, fastest rfc2544.Rate
	ceiling          rfc2544.Rate // the most that can be offered to all
}

// Pilot chooses the loads, which are the same for all devices, and finds out whether the devices
// can be up at once. The light load is half of the slowest device's rate; the overload makes the
// fastest device lose frames. It removes metrics that these devices do not have.
func Pilot(ctx context.Context, l Lab, p Plan, c *result.Comparison) (together bool, err error) {
	together, failed, err := p.pilot(ctx, l, c)
	return together, errors.Join(append(failed, err)...)
}

// pilot is Pilot without the devices that fail; failed has the reason for each of them.
func (p Plan) pilot(ctx context.Context, l Lab, c *result.Comparison) (together bool, failed []error, err error) {
	found := rates{failed: make([]error, len(p.Devices))}
	if onlyStreams(c.Metrics) {
		return false, found.failed, nil // TCP needs no loads, and a device may carry nothing but streams
	}
	if slices.ContainsFunc(c.Metrics, func(m result.Metric) bool { return takesTurns(m.Name) }) {
		err = found.together(ctx, l, p, c)
		if together = err == nil; err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return false, nil, err
		}
	}
	if !together || slices.ContainsFunc(c.Metrics, func(m result.Metric) bool { return !takesTurns(m.Name) }) {
		if err = found.alone(ctx, l, p, c); err != nil {
			return false, nil, err
		}
		const overload = 1.5
		c.Overload = lab.RoundLoad(min(overload*found.fastest, found.ceiling))
		if has(c.Metrics, "forwarding_rate") && c.Overload < 1.1*found.fastest {
			c.Warnings = append(c.Warnings, fmt.Sprintf("no more than %v can be offered, which is hardly more than the fastest device forwards: its forwarding rate may be the tester's", c.Overload))
		}
	}
	c.Light = lab.RoundLoad(found.slowest / 2)
	return together, found.failed, nil
}

// together measures all devices in a closed loop, and again if one of them forwards nothing.
func (r *rates) together(ctx context.Context, l Lab, p Plan, c *result.Comparison) error {
	for attempt := range bringUps {
		silent, err := r.closedLoop(ctx, l, p)
		if err != nil {
			return err
		}
		if len(silent) == 0 {
			break
		}
		for k, err := range silent {
			if attempt == bringUps-1 {
				r.failed[k] = err
			}
		}
	}
	if l.Shared() {
		leaveOut(c, cpuMetric, "tester and device share a core")
	}
	if p.Shaped {
		r.slowest = min(r.slowest, p.Link.MaxFrameRate(p.Size))
	}
	return nil
}

// closedLoop measures the devices that did not fail in a closed loop, all up at once. silent are those
// that forward nothing, and why.
func (r *rates) closedLoop(ctx context.Context, l Lab, p Plan) (silent map[int]error, err error) {
	var places []int
	var devices []dut.Device
	for k, d := range p.Devices {
		if r.failed[k] == nil {
			places, devices = append(places, k), append(devices, d)
		}
	}
	g, all, err := gather(ctx, l, devices, p.Settings, p.Size)
	if err != nil {
		return nil, err
	}
	for i, err := range all.errs {
		r.failed[places[i]] = err
	}
	if len(all.up) == 0 {
		return nil, nil
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	turned, err := g.MeasureTurns(ctx, control.ClosedLoop(p.Size), loadgen.Turns{Slices: control.Turns.Slices, Quiet: control.Turns.Quiet, Rounds: 2})
	if err != nil {
		return nil, err
	}
	r.slowest, r.fastest, silent = rfc2544.Flood, 0, map[int]error{}
	for i, t := range turned {
		rate := rfc2544.Rate(0)
		for _, turn := range t.Turns {
			rate = max(rate, rfc2544.Rate(turn.Rate()/float64(len(p.Settings.Directions()))))
		}
		k := places[all.up[i]]
		switch {
		case t.Died != nil:
			silent[k] = t.Died
		case rate == 0:
			silent[k] = silentError(p.Names[k])
		default:
			r.slowest, r.fastest = min(r.slowest, rate), max(r.fastest, rate)
		}
	}
	return silent, nil
}

// alone brings up the devices one after the other and overloads each.
func (r *rates) alone(ctx context.Context, l Lab, p Plan, c *result.Comparison) error {
	r.slowest, r.fastest, r.ceiling = rfc2544.Flood, 0, rfc2544.Flood
	for i := range p.Devices {
		if r.failed[i] != nil {
			continue
		}
		most, forwards, err := p.overload(ctx, l, c, i)
		for more := 1; more < bringUps && again(ctx, err); more++ {
			most, forwards, err = p.overload(ctx, l, c, i)
		}
		switch {
		case err != nil && (ctx.Err() != nil || !deviceFailed(err)):
			return err
		case err != nil:
			r.failed[i] = err
		default:
			r.slowest, r.fastest, r.ceiling = min(r.slowest, forwards), max(r.fastest, forwards), min(r.ceiling, most)
		}
	}
	return nil
}

// overload brings a device up and returns the highest load that can be offered to it, and what it
// forwards of that.
func (p Plan) overload(ctx context.Context, l Lab, c *result.Comparison, i int) (most, forwards rfc2544.Rate, err error) {
	b, err := l.Setup(ctx, p.Devices[i], p.Settings, p.Size)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if b.Spins() || l.Shared() {
		leaveOut(c, cpuMetric, p.Names[i]+" or its wan link keeps a core busy with nothing to do, or shares one with the tester")
	}
	if !b.ReportsVitals() {
		leaveOut(c, allocMetric, p.Names[i]+" does not report what it allocates")
	}
	if most, _, err = b.Explore(ctx, p.Size); err != nil {
		return most, 0, err
	}
	if p.Shaped {
		most = min(most, p.Link.MaxFrameRate(p.Size))
	}
	if forwards, err = b.MaxForwardingRate(ctx, p.Size, most); err == nil && forwards == 0 {
		err = silentError(p.Names[i])
	}
	return most, forwards, err
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
