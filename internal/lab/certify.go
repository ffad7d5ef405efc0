package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// CertifyPlan is how thoroughly the lab is held against devices of known effect.
type CertifyPlan struct {
	Settings Settings
	Quick    bool // shorter trials and fewer of them
	// OnStandard, if set, hears of each standard when it is measured.
	OnStandard func(reports.Standard)
}

// standard is one property of a device of known effect.
type standard struct {
	name, device, quantity, unit string
	size                         rfc2544.FrameSize
	known                        float64
	limit                        float64
	limitUnit                    string // "%" of known, or unit
	repeats, quick               int    // measurements, of which the median counts
	measure                      func(ctx context.Context, b *Setup, s standard, p CertifyPlan) (value float64, n int, valid bool, err error)
}

// Certify measures every standard. What was measured is in the certificate
// whatever happens; the error is for the run as a whole.
func (l *Lab) Certify(ctx context.Context, p CertifyPlan, c *reports.Certificate) error {
	p.Settings = p.Settings.Resolved()
	p.Settings.Flows, p.Settings.Networks, p.Settings.IPv6, p.Settings.WAN = 1, 1, false, ""
	engines := []string{EngineXDP, EngineAFPacket}
	if p.Settings.Engine != EngineAuto {
		engines = []string{p.Settings.Engine}
	}
	for i, engine := range engines {
		err := l.certifyWith(ctx, engine, i == 0, p, c)
		if errors.Is(err, errors.ErrUnsupported) && i < len(engines)-1 {
			c.Notes = append(c.Notes, fmt.Sprintf("the engine %s cannot run here: %v", engine, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// certifyWith measures with one engine: all standards with the main one, and
// with the other those that count to the frame.
func (l *Lab) certifyWith(ctx context.Context, engine string, first bool, p CertifyPlan, c *reports.Certificate) error {
	p.Settings.Engine, p.Settings.Direction = engine, rfc2544.Forward
	if c.Engine == "" {
		c.Engine = engine
	}
	all := first || c.Engine == engine
	if all {
		if err := l.describeWire(ctx, p.Settings, c); err != nil {
			return err
		}
	}
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both} {
		facing := p
		facing.Settings.Direction = direction
		if err := l.certifyAll(ctx, patternStandards(engine, direction), facing, c); err != nil {
			return err
		}
	}
	if !all {
		return nil
	}
	if err := l.certifyAll(ctx, timeStandards(), p, c); err != nil {
		return err
	}
	return l.certifyChange(ctx, p, c)
}

// certifyChange compares a device with itself: what cannot be excluded then is
// the smallest change that a comparison of that length can see here.
func (l *Lab) certifyChange(ctx context.Context, p CertifyPlan, c *reports.Certificate) error {
	const (
		name  = "vxlan"
		limit = 10
	)
	device, err := dut.Parse(name)
	if err != nil {
		return err
	}
	if err := device.Probe(ctx); errors.Is(err, errors.ErrUnsupported) {
		c.Notes = append(c.Notes, fmt.Sprintf("smallest change: not measured: %v", err))
		return nil
	}
	_, metrics := CompareMetrics()
	plan := ComparePlan{Settings: p.Settings, Devices: []dut.Device{device, device}, Names: []string{name, name + "#2"}, Size: rfc2544.MinFrame, Metrics: metrics, Rounds: 24}
	if p.Quick {
		plan.Rounds = 8
	}
	seen := &reports.Comparison{Confidence: 0.95}
	begun := time.Now()
	if err := l.Compare(ctx, plan, seen); err != nil {
		return err
	}
	for _, m := range seen.Metrics {
		s := reports.Standard{
			Name:   fmt.Sprintf("smallest change of %s that ab sees in %v", m.Name, time.Since(begun).Round(time.Second)),
			Device: name, Quantity: "change", Unit: "%", ErrorUnit: "%", Limit: limit, Valid: len(m.Ratios) > 0,
		}
		if s.Valid {
			s.Measured, s.N = m.Ratios[0].Unseen(), m.Ratios[0].Pairs
			s.Error = s.Measured
		}
		c.Standards = append(c.Standards, s)
		if p.OnStandard != nil {
			p.OnStandard(s)
		}
	}
	return nil
}

// describeWire notes what the tester can do without any device.
func (l *Lab) describeWire(ctx context.Context, s Settings, c *reports.Certificate) error {
	for _, size := range []rfc2544.FrameSize{64, 1518} {
		wire, err := l.Calibrate(ctx, s, size)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("wire, %d octets: the tester offers up to %v", size, wire.MOL)
		if wire.Latency != nil {
			note += fmt.Sprintf("; latency p50 %v, p99 %v", wire.Latency.P50, wire.Latency.P99)
		}
		c.Notes = append(c.Notes, note)
		c.Notes = append(c.Notes, wire.Doubts...)
	}
	return nil
}

// certifyAll measures standards; neighbours with the same device share it.
func (l *Lab) certifyAll(ctx context.Context, list []standard, p CertifyPlan, c *reports.Certificate) (err error) {
	var b *Setup
	defer func() {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	for _, s := range list {
		if b == nil || b.device.Spec != s.device {
			if b != nil {
				if err := b.Close(); err != nil {
					return err
				}
			}
			if b, err = l.standardSetup(ctx, p.Settings, s); err != nil {
				b = nil
				if errors.Is(err, errors.ErrUnsupported) {
					c.Notes = append(c.Notes, fmt.Sprintf("%s: not measured: %v", s.name, err))
					continue
				}
				return err
			}
		}
		measured, err := s.run(ctx, b, p)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		c.Standards = append(c.Standards, measured)
		if p.OnStandard != nil {
			p.OnStandard(measured)
		}
	}
	return nil
}

func (l *Lab) standardSetup(ctx context.Context, set Settings, s standard) (*Setup, error) {
	d, err := dut.Parse(s.device)
	if err != nil {
		return nil, err
	}
	return l.Setup(ctx, d, set, s.size)
}

// run measures the standard as often as planned and takes the median of the
// valid ones; when half of them are not valid, the standard is not.
func (s standard) run(ctx context.Context, b *Setup, p CertifyPlan) (reports.Standard, error) {
	repeats := s.repeats
	if p.Quick {
		repeats = s.quick
	}
	var values []float64
	samples := 0
	for range repeats {
		for range 1 + rfc2544.DefaultRetries {
			value, n, valid, err := s.measure(ctx, b, s, p)
			if err != nil {
				return reports.Standard{}, err
			}
			samples = n
			if valid {
				values = append(values, value)
				break
			}
		}
	}
	out := reports.Standard{
		Name: s.name, Device: s.device, Quantity: s.quantity, Unit: s.unit, Known: s.known, Limit: s.limit, ErrorUnit: s.limitUnit,
		N: max(samples, len(values)), Valid: 2*len(values) > repeats,
	}
	if len(values) == 0 {
		return out, nil
	}
	median := stats.Median(values)
	out.Measured, out.Error = median, median-s.known
	if s.limitUnit == "%" {
		out.Error *= 100 / s.known
	}
	if math.Abs(out.Error) < 1e-12 {
		out.Error = 0
	}
	return out, nil
}

// wall is the time during which frames could pass: the schedule's pauses are
// the tester's, not the device's.
func wall(o rfc2544.Observation) time.Duration { return o.Duration + o.Paused }
