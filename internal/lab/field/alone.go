package field

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// alone measures every device with nothing beside it that is not yet measured so.
func (r *run) alone(ctx context.Context) error {
	for _, d := range r.Devices {
		rec := r.Store.of(d)
		if rec.Alone != nil {
			continue
		}
		r.step("%s alone", d.Spec)
		measure := r.measureAlone
		if d.Carries == field.Streams {
			measure = r.measureStreams
		}
		a, err := measure(ctx, d)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		rec.Alone = &a
		if a.State != field.NotMeasured { // else it is measured again by a run that goes on
			if err := r.Store.save(d); err != nil {
				return err
			}
		}
		if a.State != field.Works && r.OnDevice != nil {
			r.OnDevice(d.Spec, string(a.State)+": "+a.Why)
		}
	}
	return nil
}

// measureAlone brings one device up and measures it at every frame size. A fault of the device is no error: it is what
// became of the device.
func (r *run) measureAlone(ctx context.Context, d Device) (a alone, err error) {
	a.Points = []field.Point{}
	b, err := r.lab.Setup(ctx, d.Device, r.Settings, slices.Max(r.Sizes))
	if err != nil {
		return a.failed(err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, size := range r.Sizes {
		p := field.Point{Size: size}
		err := r.point(ctx, b, &p)
		if p.Light != nil {
			a.Points = append(a.Points, p)
		}
		if err != nil {
			return a.died(err)
		}
	}
	if err := r.askAgain(ctx, b, a.Points); err != nil {
		return a.died(err)
	}
	if bytes, ok := b.Memory(); ok {
		a.Memory = &bytes
	}
	a.State, a.Why = field.Judge(a.Points)
	return a, nil
}

// askAgain measures the size before one that the device did not carry at the light load again, into the same counts: it may
// have ended in silence instead.
func (r *run) askAgain(ctx context.Context, m rfc2544.Measurer, points []field.Point) error {
	for i := range points {
		if i == 0 || !points[i].TooLarge(points) || points[i-1].Silent() {
			continue
		}
		before := &points[i-1]
		seen, err := r.light(ctx, m, before.Size)
		if len(seen) > 0 {
			before.Light.Add(*loadOf(LightLoad, seen))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measureStreams measures the goodput through a device that carries streams.
func (r *run) measureStreams(ctx context.Context, d Device) (a alone, err error) {
	a.Points = []field.Point{}
	if err := d.Probe(ctx); err != nil {
		return a.failed(err)
	}
	var all []float64
	for range 2 * r.Profile.Streams {
		bits, ok, err := r.lab.Goodput(ctx, d.Device, r.Settings)
		if ok {
			all = append(all, bits)
			a.Goodput = &field.Goodput{Bits: *rangeOf(all), Congestion: r.Settings.CongestionControl}
		}
		if errors.Is(err, lab.ErrDied) {
			return a.died(err)
		}
		if err != nil {
			return a.failed(err)
		}
		if len(all) == r.Profile.Streams {
			break
		}
	}
	switch {
	case len(all) == 0:
		a.State, a.Why = field.NotMeasured, "the machine was too busy"
	case a.Goodput.Bits.Value == 0:
		a.State, a.Why = field.Overloaded, "no octet came through in a connection"
	default:
		a.State = field.Works
	}
	return a, nil
}

// failed returns what became of a device that could not be measured at all. What is no fault of it is returned as an error.
func (a alone) failed(err error) (alone, error) {
	a.Why = oneLine(err)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		a.State = field.Unsupported
	case lab.DeviceFailed(err):
		a.State = field.Failed
	default:
		return a, err
	}
	return a, nil
}

// died returns what became of a device that came up and could not be measured to the end. The last point is that of the
// trial in which it ended.
func (a alone) died(err error) (alone, error) {
	if !lab.DeviceFailed(err) {
		return a.failed(err)
	}
	a.State, a.Why = field.Overloaded, "it ended "+oneLine(err)
	if _, lost := field.Judge(a.Points); lost != "" {
		a.Why = lost + "; then " + a.Why
	}
	return a, nil
}

// oneLine returns an error as one line, without the words for what kind it is of.
func oneLine(err error) string {
	return strings.NewReplacer("\n", "; ", errors.ErrUnsupported.Error()+": ", "", lab.ErrDied.Error()+": ", "").Replace(err.Error())
}

// point measures a device at a frame size: at the light load, in a closed loop, and at half of its rate.
func (r *run) point(ctx context.Context, m rfc2544.Measurer, p *field.Point) error {
	seen, err := r.light(ctx, m, p.Size)
	if len(seen) > 0 {
		p.Light = loadOf(LightLoad, seen)
	}
	if err != nil || p.Silent() {
		return err
	}
	loop := trial{ctx, m, control.ClosedLoop(p.Size), isClean}
	seen, err = loop.times(1)
	if err != nil {
		return err
	}
	p.Rate = rateOf(seen)
	half := lab.RoundLoad(rfc2544.Rate(p.Rate.Value) / 2)
	if half < lab.MinRate {
		return nil
	}
	halves := trial{ctx, m, rfc2544.Trial{Size: p.Size, Load: half, Duration: halfTrial}, isClean}
	seen, err = halves.times(r.Profile.Halves)
	if len(seen) > 0 {
		p.Half, p.CPU = loadOf(half, seen), cpuOf(seen)
	}
	return err
}

// light measures a device at the light load.
func (r *run) light(ctx context.Context, m rfc2544.Measurer, size rfc2544.FrameSize) ([]rfc2544.Observation, error) {
	return trial{ctx, m, rfc2544.Trial{Size: size, Load: LightLoad, Duration: r.Profile.Light}, func(o rfc2544.Observation) bool {
		return o.LatencyQuiet != nil && o.LatencyQuiet.N >= enoughForP99
	}}.times(1)
}

// trial is a trial of a device.
type trial struct {
	ctx context.Context
	m   rfc2544.Measurer
	rfc2544.Trial
	enough func(rfc2544.Observation) bool // it says what it is to say
}

// enoughForP99 is the fewest samples of a p99.
const enoughForP99 = 1000

// isClean reports whether a tenth of the trial was not disturbed.
func isClean(o rfc2544.Observation) bool { return 10*o.CleanTime() >= o.Duration }

// times measures the trial so many times. One that is not valid, or says too little, is repeated; after
// that it counts all the same. With an error
// comes what was measured until then.
func (t trial) times(n int) (seen []rfc2544.Observation, err error) {
	for range n {
		var o rfc2544.Observation
		_, err := rfc2544.Retry{Times: rfc2544.DefaultRetries}.Do(func(bool) (bool, time.Duration, error) {
			var err error
			o, err = t.m.Measure(t.ctx, t.Trial)
			return o.Valid && t.enough(o), o.Duration, err
		})
		if err == nil || o.Offered > 0 {
			seen = append(seen, o)
		}
		if err != nil {
			return seen, fmt.Errorf("%v: %w", t.progress(o), err)
		}
	}
	return seen, nil
}

// progress says how far a trial came.
func (t trial) progress(o rfc2544.Observation) string {
	load := "in a closed loop"
	if t.Window == 0 {
		load = fmt.Sprintf("at %.0f frames/s", float64(t.Load))
	}
	return fmt.Sprintf("%s, of %d frames of %d bytes %d came through", load, o.Offered, t.Size, o.Received)
}

// loadOf returns what trials at a load came to.
func loadOf(rate rfc2544.Rate, seen []rfc2544.Observation) *field.Load {
	l := &field.Load{Rate: rate}
	var p50, p99 []time.Duration
	for _, o := range seen {
		clean := rfc2544.Clean{Offered: o.Offered, Received: o.Received}
		if o.Clean != nil {
			clean = *o.Clean
		}
		l.Add(field.Load{Offered: o.Offered, Received: o.Received, Late: o.Late, Corrupted: o.Corrupted, CleanOffered: clean.Offered, CleanReceived: clean.Received})
		if d := o.LatencyQuiet; d != nil && d.N > 0 {
			p50, p99 = append(p50, d.P50), append(p99, d.P99)
		}
	}
	if len(p50) > 0 {
		m50, m99 := time.Duration(stats.Median(p50)), time.Duration(stats.Median(p99))
		l.P50, l.P99 = &m50, &m99
	}
	return l
}

// rateOf returns the rate of a closed loop, of its clean time where there is some.
func rateOf(seen []rfc2544.Observation) *field.Interval {
	var all []float64
	for _, o := range seen {
		received, of := o.Received, o.Duration
		if o.Clean != nil && o.Clean.Time > 0 {
			received, of = o.Clean.Received, o.Clean.Time
		}
		if of > 0 {
			all = append(all, float64(received)/of.Seconds())
		}
	}
	return rangeOf(all)
}

// cpuOf returns the CPU time per frame; nil if it could not be measured.
func cpuOf(seen []rfc2544.Observation) *field.Interval {
	var all []float64
	for _, o := range seen {
		if o.CPUPerFrame != nil && *o.CPUPerFrame > 0 {
			all = append(all, *o.CPUPerFrame)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return rangeOf(all)
}

// rangeOf returns the median with the range of all values.
func rangeOf(all []float64) *field.Interval {
	if len(all) == 0 {
		return &field.Interval{}
	}
	return &field.Interval{Value: stats.Median(all), Lower: slices.Min(all), Upper: slices.Max(all), N: len(all)}
}
