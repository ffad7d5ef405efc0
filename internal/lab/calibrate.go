package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Calibration is what the bare wire gives at one frame size.
type Calibration struct {
	Engine  string                // that measured it
	MOL     rfc2544.Rate          // the most the tester can offer per direction (RFC 2285 section 3.5.3)
	Latency *rfc2544.Distribution // the least it can see, at a light load
	Doubts  []string              // why the machine is not fit to be measured on

	background float64         // share of the device's cores that is taken when it has nothing to do
	wireWork   map[int]float64 // ns a frame on the tester's core, by batch size
}

// wireKey is what a calibration is of.
type wireKey struct {
	settings Settings
	size     rfc2544.FrameSize
}

// wireKey is that of the calibration which prices the set-up's trials.
func (s *Setup) wireKey(size rfc2544.FrameSize) wireKey { return wireKey{s.settings.onWire(), size} }

// Calibrate measures the bare wire at size, once per run of the lab, with the
// run's own traffic: its direction or both at once, its IP version, its flows.
func (l *Lab) Calibrate(ctx context.Context, s Settings, size rfc2544.FrameSize) (*Calibration, error) {
	s = s.onWire()
	if c := l.wires[wireKey{s, size}]; c != nil {
		return c, nil
	}
	wire, err := dut.Parse("wire")
	if err != nil {
		return nil, err
	}
	b, err := l.Setup(ctx, wire, s, size)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	defer b.Close()
	c := &Calibration{Engine: b.settings.Engine, background: math.Inf(1), wireWork: map[int]float64{}}
	if err := b.calibrate(ctx, size, c); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	l.wires[wireKey{s, size}], l.wires[b.wireKey(size)] = c, c
	return c, nil
}

// calibrate prices things by the cheapest of several short runs: whatever else
// the machine does makes them dearer, nothing makes them cheaper.
func (s *Setup) calibrate(ctx context.Context, size rfc2544.FrameSize, c *Calibration) error {
	flood, err := s.several(ctx, size, rfc2544.Flood, 0, func(Run) {})
	if err != nil {
		return err
	}
	c.MOL = flood.observation(s.settings.Directions()).ForwardingRate()
	idle, err := s.several(ctx, size, 1000, 1, func(r Run) {
		c.background = min(c.background, float64(s.lab.busy(r))/float64(r.elapsed()))
	})
	if err != nil {
		return err
	}
	c.Doubts = s.lab.doubts(idle)
	for batch, load := range map[int]rfc2544.Rate{1: 100e3, loadgen.PacedBatch: 1e6} {
		work := math.Inf(1)
		load /= rfc2544.Rate(len(s.settings.Directions()))
		loaded, err := s.several(ctx, size, min(load, c.MOL/2), batch, func(r Run) { work = min(work, r.testerWork()) })
		if err != nil {
			return err
		}
		c.wireWork[batch] = work
		if batch == 1 {
			c.Latency = loaded.Ledger.Latency
		}
	}
	return nil
}

// doubts names each core of the device where something else runs than the
// soaker, in a run that left it alone.
func (l *Lab) doubts(r Run) (doubts []string) {
	const fairShare = 0.9
	culprit := "another program uses"
	if r.Ledger.Stolen == nil { // the engine did not watch the cores
		culprit = "another program, or the host of this virtual machine, uses"
	}
	for i, s := range l.soakers {
		elapsed := r.after.at.Sub(r.before.at) - r.Ledger.Stolen[s.cpu]
		own := r.after.soaked[i] - r.before.soaked[i]
		if share := float64(own) / float64(elapsed); share < fairShare {
			doubts = append(doubts, fmt.Sprintf("%s %.0f %% of the device's cpu %d: end it, or every number is too low", culprit, 100*(1-share), s.cpu))
		}
	}
	return doubts
}

// several runs a calibration trial several times and returns the last.
func (s *Setup) several(ctx context.Context, size rfc2544.FrameSize, load rfc2544.Rate, batch int, each func(Run)) (r Run, err error) {
	const (
		duration = 100 * time.Millisecond
		times    = 4
	)
	p := s.Plan(rfc2544.Trial{Size: size, Load: load, Duration: duration})
	p.Batch = batch
	for range times {
		if r, err = s.Execute(ctx, p); err != nil {
			return r, err
		}
		each(r)
	}
	return r, nil
}

// Calibrator is a laboratory that can measure its bare wire.
type Calibrator interface {
	Calibrate(ctx context.Context, s Settings, size rfc2544.FrameSize) (*Calibration, error)
}

// CalibrateAll measures the bare wire at every size, and has the results say what
// it gave. The settings that it returns have the engine that did so: all of a run is
// measured with one.
func CalibrateAll(ctx context.Context, l Calibrator, s Settings, sizes []rfc2544.FrameSize, r *result.Results) (Settings, error) {
	s = s.For(slices.Max(sizes))
	for _, size := range sizes {
		c, err := l.Calibrate(ctx, s, size)
		if err != nil {
			return s, err
		}
		s.Engine = c.Engine
		r.Calibration = append(r.Calibration, c.report(size))
		for _, doubt := range c.Doubts {
			if !slices.Contains(r.Host.Notes, doubt) {
				r.Host.Notes = append(r.Host.Notes, doubt)
			}
		}
	}
	if s.Engine != EngineXDP {
		r.Host.Notes = append(r.Host.Notes, "engine "+s.Engine)
	}
	return s, nil
}

func (c *Calibration) report(size rfc2544.FrameSize) result.Calibration {
	out := result.Calibration{FrameSize: size, MOL: &c.MOL}
	if c.Latency != nil {
		out.WireP50 = &c.Latency.P50
	}
	return out
}
