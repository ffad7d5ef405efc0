package simulated

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MeasureReset implements rfc2544.Resetter: after the reset the device forwards nothing during the
// power-off time and while it boots.
func (d *Device) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	if r.Kind == rfc2544.ResetProcess && d.NoProcesses {
		return rfc2544.Observation{}, errors.ErrUnsupported
	}
	seen, err := d.Measure(ctx, t)
	if err != nil || d.BootTime == 0 {
		return seen, err
	}
	away := r.Off + d.BootTime
	if away = min(away, t.Duration-r.At); r.At+away < t.Duration {
		seen.LongestGap = &rfc2544.Gap{At: r.At - gap(t.Load), Length: away + gap(t.Load)}
	}
	lost := t.Load.Frames(r.At+away) - t.Load.Frames(r.At)
	last := time.Duration(due(t, t.Load.Frames(r.At+away)-1) * float64(time.Second))
	seen.Lost += lost + uint64(d.InFlightLoss)
	seen.Received -= lost + uint64(d.InFlightLoss)
	seen.LastLost = &last
	seen.Drops = droppedBy(seen.Lost)
	return seen, nil
}

// gap returns the time between frames.
func gap(r rfc2544.Rate) time.Duration { return time.Duration(float64(time.Second) / float64(r)) }
