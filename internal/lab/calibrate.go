package lab

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Calibration is what the bare wire gives at one frame size.
type Calibration struct {
	MOL     rfc2544.Rate          // the most the tester can offer (RFC 2285 section 3.5.3)
	Latency *rfc2544.Distribution // the least it can see, at a light load
	Doubts  []string              // why the machine is not fit to be measured on

	idle      []float64       // ns per loop of each soaker, on a core with nothing else to do
	pollPrice map[int]float64 // ns per poll of the sender with nothing to send, by batch size
	wireCost  map[int]float64 // ns a frame on the tester's core, by batch size
}

// Calibrate measures the bare wire at size, once per run of the lab.
func (l *Lab) Calibrate(ctx context.Context, size rfc2544.FrameSize) (*Calibration, error) {
	if c := l.wires[size]; c != nil {
		return c, nil
	}
	wire, err := dut.Parse("wire")
	if err != nil {
		return nil, err
	}
	b, err := l.Bench(ctx, wire, size)
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	defer b.Close()
	c := &Calibration{pollPrice: map[int]float64{}, wireCost: map[int]float64{}}
	if err := b.calibrate(ctx, size, c); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	l.wires[size] = c
	return c, nil
}

// calibrate prices things by the cheapest of several short runs: whatever else
// the machine does makes them dearer, nothing makes them cheaper.
func (b *Bench) calibrate(ctx context.Context, size rfc2544.FrameSize, c *Calibration) error {
	flood, err := b.several(ctx, size, rfc2544.Flood, 0, func(run) {})
	if err != nil {
		return err
	}
	c.MOL = rfc2544.Rate(float64(flood.ledger.Streams[0].Received) / flood.ledger.Duration.Seconds())
	const quiet, light, heavy = 1000, 200e3, 1e6
	for _, step := range []struct {
		batch int
		load  rfc2544.Rate
	}{{1, light}, {loadgen.PacedBatch, heavy}} {
		price, cost := math.Inf(1), math.Inf(1)
		idle, err := b.several(ctx, size, quiet, step.batch, func(r run) {
			price = min(price, float64(r.ledger.Duration)/float64(r.ledger.Polls))
			b.priceLoops(r, c)
		})
		if err != nil {
			return err
		}
		loaded, err := b.several(ctx, size, min(step.load, c.MOL/2), step.batch, func(r run) {
			cost = min(cost, r.testerCost(price))
		})
		if err != nil {
			return err
		}
		c.pollPrice[step.batch], c.wireCost[step.batch] = price, cost
		if step.batch == 1 {
			c.Doubts = b.lab.doubts(idle)
			c.Latency = loaded.ledger.Streams[0].Latency
		}
	}
	return nil
}

// priceLoops lowers the price of each soaker's loop to that of a run that left
// its core alone.
func (b *Bench) priceLoops(r run, c *Calibration) {
	for i := range b.lab.soakers {
		own := r.after.soaked[i] - r.before.soaked[i]
		price := float64(own) / float64(max(1, r.after.loops[i]-r.before.loops[i]))
		if i == len(c.idle) {
			c.idle = append(c.idle, price)
		}
		c.idle[i] = min(c.idle[i], price)
	}
}

// doubts names each core of the device where something else runs than the
// soaker, in a run that left it alone.
func (l *Lab) doubts(r run) (doubts []string) {
	const fairShare = 0.9
	for i, s := range l.soakers {
		elapsed := r.after.at.Sub(r.before.at) - r.ledger.Stolen[s.cpu]
		own := r.after.soaked[i] - r.before.soaked[i]
		if share := float64(own) / float64(elapsed); share < fairShare {
			doubts = append(doubts, fmt.Sprintf("another program uses %.0f %% of the device's cpu %d: end it, or every number is too low", 100*(1-share), s.cpu))
		}
	}
	return doubts
}

// several runs a calibration trial several times and returns the last.
func (b *Bench) several(ctx context.Context, size rfc2544.FrameSize, load rfc2544.Rate, batch int, each func(run)) (r run, err error) {
	const (
		duration = 100 * time.Millisecond
		times    = 4
	)
	p := b.plan(rfc2544.Trial{Size: size, Load: load, Duration: duration})
	p.Batch = batch
	for range times {
		if r, err = b.execute(ctx, p); err != nil {
			return r, err
		}
		each(r)
	}
	return r, nil
}
