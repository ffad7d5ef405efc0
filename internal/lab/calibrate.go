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
	Engine  string                // the one that measured
	MOL     rfc2544.Rate          // the most the tester can offer per direction (RFC 2285 section 3.5.3)
	Latency *rfc2544.Distribution // of the bare wire at a light load: the smallest latency that the tester can measure
	Doubts  []string              // reasons not to trust measurements on this machine
	Trouble result.Trouble        // how much of the calibration was spoilt

	background float64         // share of the device's cores in use when no device runs
	wireWork   map[int]float64 // ns per frame on the tester's core, by batch size
}

// wireKey identifies a calibration.
type wireKey struct {
	settings Settings
	size     rfc2544.FrameSize
}

// wireKey returns the key of the calibration that the set-up's trials are compared with.
func (s *Setup) wireKey(size rfc2544.FrameSize) wireKey { return wireKey{s.settings.onWire(), size} }

// Calibrate measures the bare wire at one frame size with the traffic of the run: direction, IP
// version and flows. It measures once; later calls return the same result.
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

// calibrate measures CPU times in several short runs and takes the lowest: other programs can only
// add CPU time. It counts the trouble of all runs but those of the flood, which no device meets.
func (s *Setup) calibrate(ctx context.Context, size rfc2544.FrameSize, c *Calibration) error {
	flood, err := s.several(ctx, size, rfc2544.Flood, 0, func(Run) {})
	if err != nil {
		return err
	}
	c.MOL = flood.observation(s.settings.Directions()).ForwardingRate()
	used := make([]float64, len(s.lab.soakers))
	for i := range used {
		used[i] = 1
	}
	_, err = s.several(ctx, size, 1000, 1, func(r Run) {
		c.background = min(c.background, max(0, float64(s.lab.busy(r))/float64(r.elapsed())))
		s.lab.othersShare(r, used)
		count(c, s.Observe(r))
	})
	if err != nil {
		return err
	}
	c.Doubts = s.lab.doubts(used)
	for batch, load := range map[int]rfc2544.Rate{1: 100e3, loadgen.PacedBatch: 1e6} {
		work := math.Inf(1)
		load /= rfc2544.Rate(len(s.settings.Directions()))
		loaded, err := s.several(ctx, size, min(load, c.MOL/2), batch, func(r Run) {
			work = min(work, r.testerWork())
			count(c, s.Observe(r))
		})
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

// count adds a trial to the trouble of the calibration.
func count(c *Calibration, o rfc2544.Observation) { c.Trouble.Add(o.Valid, o.CleanShare()) }

// othersShare lowers used, the share of each device core that others than its soaker had, to the
// share of run r. In r the device was idle.
func (l *Lab) othersShare(r Run, used []float64) {
	for i, s := range l.soakers {
		elapsed := r.after.at.Sub(r.before.at) - r.Ledger.Stolen[s.cpu]
		own := r.after.soaked[i] - r.before.soaked[i]
		used[i] = min(used[i], 1-float64(own)/float64(elapsed))
	}
}

// doubts returns a warning for each core of the device of which others had a share all the time.
func (l *Lab) doubts(used []float64) (doubts []string) {
	const few = 0.1
	if l.Shared() {
		return nil // the tester is one of them
	}
	for i, s := range l.soakers {
		if used[i] > few {
			doubts = append(doubts, fmt.Sprintf("another program, or the host of this virtual machine, uses %.0f %% of the device's cpu %d: end it to have more clean time", 100*used[i], s.cpu))
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

// Calibrator is a laboratory that can calibrate.
type Calibrator interface {
	Calibrate(ctx context.Context, s Settings, size rfc2544.FrameSize) (*Calibration, error)
}

// CalibrateAll measures the bare wire at every frame size and adds the calibrations to the results.
// The settings that it returns name the engine that calibrated: a run uses one engine throughout.
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
	if c.Trouble.Trials > 0 {
		out.Trouble = &c.Trouble
	}
	if c.Latency != nil {
		out.WireP50 = &c.Latency.P50
	}
	return out
}
