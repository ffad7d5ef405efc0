package selftest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Lab is the laboratory that the self-test needs.
type Lab interface {
	lab.Calibrator
	// Setup brings a device up, for frames up to the largest.
	Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error)
	// CompareWithItself measures a device against itself, in turns.
	CompareWithItself(ctx context.Context, d dut.Device, s lab.Settings, rounds int) (*result.Comparison, error)
	// Group brings several devices up at once.
	Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error)
}

// Setup is a device that is up.
type Setup interface {
	rfc2544.Measurer
	Device() dut.Device
	Close() error
}

// On returns the laboratory on this machine.
func On(l *lab.Lab) Lab { return machine{l} }

type machine struct{ *lab.Lab }

// Setup implements Lab.
func (m machine) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	b, err := m.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err // a nil interface, not a typed nil
	}
	return b, nil
}

// Group implements Lab.
func (m machine) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	g, err := m.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// CompareWithItself implements Lab.
func (m machine) CompareWithItself(ctx context.Context, d dut.Device, s lab.Settings, rounds int) (*result.Comparison, error) {
	_, metrics := compare.Metrics()
	seen := &result.Comparison{Confidence: 0.95}
	return seen, compare.Run(ctx, compare.On(m.Lab), compare.Plan{
		Settings: s, Devices: []dut.Device{d, d}, Names: []string{d.Name, d.Name + "#2"}, Size: rfc2544.MinFrame, Metrics: metrics, Rounds: rounds,
	}, seen)
}

// Plan says how thoroughly the self-test measures.
type Plan struct {
	Settings lab.Settings
	Quick    bool // shorter trials and fewer of them
	// OnValue, if set, is called with each reference value after its measurement.
	OnValue func(result.Standard)
}

// reference is a property of a device for which the true value is known, such as a relay that
// drops every tenth frame.
type reference struct {
	name, device, quantity, unit string
	size                         rfc2544.FrameSize
	known                        float64
	limit                        float64
	limitUnit                    string // "%" (of the reference value) or unit
	repeats, quick               int    // number of measurements; the result is their median
	measure                      func(ctx context.Context, b Setup, r reference, p Plan) (sample, error)
}

// sample is one measurement of a reference value.
type sample struct {
	value float64
	n     int // number of frames or trials behind the value
	valid bool
}

// test is a running self-test.
type test struct {
	lab    Lab
	plan   Plan
	report *result.Certificate
}

// Run measures every reference value. With an error, which means that the run ended early, the
// report has the values measured so far.
func Run(ctx context.Context, l Lab, p Plan, c *result.Certificate) error {
	t := test{l, p, c}
	settings := p.Settings.Resolved()
	settings.Flows, settings.Networks, settings.IPv6, settings.WAN = 1, 1, false, ""
	engines := []string{lab.EngineXDP, lab.EngineAFPacket}
	if settings.Engine != lab.EngineAuto {
		engines = []string{settings.Engine}
	}
	for i, engine := range engines {
		settings.Engine = engine
		err := t.withEngine(ctx, settings)
		if errors.Is(err, errors.ErrUnsupported) && i < len(engines)-1 {
			t.note("the engine %s cannot run here: %v", engine, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t test) note(format string, args ...any) {
	t.report.Notes = append(t.report.Notes, fmt.Sprintf(format, args...))
}

// add adds a value to the report.
func (t test) add(s result.Standard) {
	t.report.Standards = append(t.report.Standards, s)
	if t.plan.OnValue != nil {
		t.plan.OnValue(s)
	}
}

// withEngine measures with one engine. The main engine, the first one that runs here, measures all
// values; the other one measures the values that are exact to the frame.
func (t test) withEngine(ctx context.Context, s lab.Settings) error {
	s.Direction = rfc2544.Forward
	isMain := t.report.Engine == ""
	if isMain {
		if err := t.describeWire(ctx, s); err != nil {
			return err
		}
		t.report.Engine = s.Engine
	}
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both} {
		facing := s
		facing.Direction = direction
		if err := t.measure(ctx, facing, patternReferences(s.Engine, direction)); err != nil {
			return err
		}
	}
	if !isMain {
		return nil
	}
	if err := t.measure(ctx, s, timeReferences()); err != nil {
		return err
	}
	if err := t.smallestChange(ctx, s); err != nil {
		return err
	}
	return t.speeds(ctx, s)
}

// smallestChange compares a device with itself (an A/A comparison). The larger bound of the
// interval is the smallest difference that a comparison of this length can detect here.
func (t test) smallestChange(ctx context.Context, s lab.Settings) error {
	const (
		name  = "vxlan"
		limit = 10
	)
	device, err := dut.Parse(name)
	if err != nil {
		return err
	}
	rounds := 24
	if t.plan.Quick {
		rounds = 8
	}
	begun := time.Now()
	seen, err := t.lab.CompareWithItself(ctx, device, s, rounds)
	if errors.Is(err, errors.ErrUnsupported) {
		t.note("smallest change: not measured: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	took := time.Since(begun).Round(time.Second)
	for _, m := range seen.Metrics {
		v := result.Standard{
			Name:   fmt.Sprintf("smallest change of %s that ab sees in %v", m.Name, took),
			Device: name, Quantity: "change", Unit: "%", ErrorUnit: "%", Limit: limit, Valid: len(m.Ratios) > 0,
		}
		if v.Valid {
			v.Measured, v.N = m.Ratios[0].Unseen(), m.Ratios[0].Pairs
			v.Error = v.Measured
		}
		t.add(v)
	}
	return nil
}

// describeWire notes the tester's limits on the bare wire.
func (t test) describeWire(ctx context.Context, s lab.Settings) error {
	for _, size := range []rfc2544.FrameSize{64, 1518} {
		wire, err := t.lab.Calibrate(ctx, s, size)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("wire, %d bytes: the tester offers up to %v", size, wire.MOL)
		if wire.Latency != nil {
			note += fmt.Sprintf("; latency p50 %v, p99 %v", wire.Latency.P50, wire.Latency.P99)
		}
		t.report.Notes = append(append(t.report.Notes, note), wire.Doubts...)
	}
	return nil
}

// measure measures reference values. Consecutive ones with the same device share a set-up.
func (t test) measure(ctx context.Context, s lab.Settings, list []reference) error {
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(r reference) bool { return r.device != list[0].device })
		if n < 0 {
			n = len(list)
		}
		if err := t.measureOn(ctx, s, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// measureOn measures the reference values of one device.
func (t test) measureOn(ctx context.Context, s lab.Settings, list []reference) (err error) {
	d, err := dut.Parse(list[0].device)
	if err != nil {
		return err
	}
	b, err := t.lab.Setup(ctx, d, s, list[0].size)
	if errors.Is(err, errors.ErrUnsupported) {
		for _, r := range list {
			t.note("%s: not measured: %v", r.name, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, r := range list {
		value, err := r.run(ctx, b, t.plan)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		t.add(value)
	}
	return nil
}

// run measures the value as often as planned. The result is the median of the valid measurements;
// it is not valid if half of them or more are not valid.
func (r reference) run(ctx context.Context, b Setup, p Plan) (result.Standard, error) {
	repeats := r.repeats
	if p.Quick {
		repeats = r.quick
	}
	var values []float64
	samples := 0
	for range repeats {
		var s sample
		valid, err := rfc2544.Retry{Times: rfc2544.DefaultRetries}.Do(func(bool) (bool, time.Duration, error) {
			var err error
			s, err = r.measure(ctx, b, r, p)
			return s.valid, 0, err
		})
		if err != nil {
			return result.Standard{}, err
		}
		samples = s.n
		if valid {
			values = append(values, s.value)
		}
	}
	return r.value(values, samples, repeats), nil
}

// value returns the result of the valid measurements, out of the given number.
func (r reference) value(values []float64, samples, repeats int) result.Standard {
	out := result.Standard{
		Name: r.name, Device: r.device, Quantity: r.quantity, Unit: r.unit, Known: r.known, Limit: r.limit, ErrorUnit: r.limitUnit,
		N: max(samples, len(values)), Valid: 2*len(values) > repeats,
	}
	if len(values) == 0 {
		return out
	}
	out.Measured = stats.Median(values)
	out.Error = out.Measured - r.known
	if r.limitUnit == "%" {
		out.Error *= 100 / r.known
	}
	if math.Abs(out.Error) < 1e-12 {
		out.Error = 0
	}
	return out
}
