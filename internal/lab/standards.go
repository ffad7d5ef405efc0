package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/netns/relay"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// patternStandards count to the frame: whatever a pattern does, the ledger has
// to show exactly that.
func patternStandards(engine, direction string) []standard {
	const device = "relay:drop=1/1000,dup=1/700,reorder=1/500,corrupt=1/300"
	return []standard{{
		name: fmt.Sprintf("dropped, doubled, reordered, corrupted by pattern: %s, %s", engine, direction), device: device,
		quantity: "loss", unit: "frames in a wrong place", size: 128, known: 0, limit: 0, limitUnit: "frames", repeats: 3, quick: 1,
		measure: measurePatterns,
	}}
}

func measurePatterns(ctx context.Context, b *Bench, s standard, p CertifyPlan) (float64, int, bool, error) {
	t := rfc2544.Trial{Size: s.size, Load: 50e3, Duration: 2 * time.Second}
	if p.Quick {
		t.Duration = 400 * time.Millisecond
	}
	o, err := b.Measure(ctx, t)
	if err != nil {
		return 0, 0, false, err
	}
	cfg, err := relay.Parse(b.device.Values)
	if err != nil {
		return 0, 0, false, err
	}
	directions := o.Directions
	if len(directions) == 0 {
		directions = []rfc2544.Direction{{
			Offered: o.Offered, Received: o.Received, Late: o.Late, Duplicated: o.Duplicated,
			Reordered: o.Reordered, Corrupted: o.Corrupted, Stale: o.Stale, Foreign: o.Foreign,
		}}
	}
	wrong := uint64(0)
	for _, d := range directions {
		e := cfg.Effect(d.Offered)
		wrong += apart(d.Received+d.Late, e.Received) + apart(d.Duplicated, e.Duplicated) + apart(d.Reordered, e.Reordered) +
			apart(d.Corrupted, e.Corrupted) + d.Stale + d.Foreign
	}
	return float64(wrong), int(o.Offered), o.Offered == o.Intended, nil
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// timeStandards are of rates and times.
func timeStandards() []standard {
	return []standard{
		delayStandard(time.Millisecond), delayStandard(20 * time.Millisecond),
		{
			name: "forwarding rate of a relay under 2x overload", device: "relay:rate=20kpps,queue=1000", quantity: "rate", unit: "fps",
			size: 64, known: 20e3, limit: 0.5, limitUnit: "%", repeats: 3, quick: 1, measure: measureRelayRate,
		},
		{
			name: "forwarding rate of a shaped link under 2x overload", device: "shaped:rate=100Mbps", quantity: "rate", unit: "bit/s",
			size: 1518, known: 100e6, limit: 0.5, limitUnit: "%", repeats: 3, quick: 1, measure: measureShapedRate,
		},
		{
			name: "longest burst without loss into a queue of 1000", device: "relay:rate=10kpps,queue=1000", quantity: "queue", unit: "frames",
			size: 64, known: burstKnown, limit: 2, limitUnit: "%", repeats: 5, quick: 1, measure: measureBurst,
		},
		{
			name: "outage of 2.5 s", device: "relay:outage=500ms+2500ms", quantity: "outage", unit: "ms",
			size: 64, known: 2500, limit: 5, limitUnit: "ms", repeats: 10, quick: 1, measure: measureOutage,
		},
	}
}

func delayStandard(d time.Duration) standard {
	return standard{
		name: fmt.Sprintf("constant delay of %v: p50 outside stalls", d), device: "relay:delay=" + d.String(), quantity: "latency", unit: "us",
		size: 64, known: float64(d) / 1e3, limit: 20, limitUnit: "us", repeats: 5, quick: 3, measure: measureDelay,
	}
}

func measureDelay(ctx context.Context, b *Bench, s standard, _ CertifyPlan) (float64, int, bool, error) {
	o, err := b.Measure(ctx, rfc2544.Trial{Size: s.size, Load: 10e3, Duration: time.Second})
	if err != nil || o.LatencyQuiet == nil {
		return 0, 0, false, err
	}
	return float64(o.LatencyQuiet.P50) / 1e3, int(o.LatencyQuiet.N), o.Valid, nil
}

// overloadTime is how long a rate is overloaded.
func overloadTime(p CertifyPlan) time.Duration {
	if p.Quick {
		return 2 * time.Second
	}
	return 10 * time.Second
}

// measureRelayRate takes off what the queue holds when the trial ends: it comes
// out afterwards.
func measureRelayRate(ctx context.Context, b *Bench, s standard, p CertifyPlan) (float64, int, bool, error) {
	o, err := b.Measure(ctx, rfc2544.Trial{Size: s.size, Load: 2 * rfc2544.Rate(s.known), Duration: overloadTime(p)})
	if err != nil {
		return 0, 0, false, err
	}
	cfg, err := relay.Parse(b.device.Values)
	came := float64(o.Received + o.Late)
	return (came - float64(cfg.Queue)) / wall(o).Seconds(), int(came), o.Valid, err
}

// measureShapedRate takes off what the bucket held in the beginning and the
// queue holds in the end.
func measureShapedRate(ctx context.Context, b *Bench, s standard, p CertifyPlan) (float64, int, bool, error) {
	load := 2 * rfc2544.Rate(s.known/8/float64(s.size))
	o, err := b.Measure(ctx, rfc2544.Trial{Size: s.size, Load: load, Duration: overloadTime(p)})
	if err != nil {
		return 0, 0, false, err
	}
	shape, err := dut.ParseShape(b.device.Values)
	came := float64(o.Received + o.Late)
	octets := came*float64(s.size.OnVeth()) - float64(shape.Burst+shape.Limit)
	return octets * 8 / wall(o).Seconds(), int(came), o.Valid, err
}

// A burst at this load into a queue of K frames that is emptied at rate R: frames
// leave while it lasts, so that the longest without loss has K / (1 - R/load).
const (
	burstLoad  rfc2544.Rate = 500e3
	burstKnown              = 1000 / (1 - 10e3/float64(burstLoad))
)

// measureBurst searches the longest burst of which all frames come.
func measureBurst(ctx context.Context, b *Bench, s standard, _ CertifyPlan) (float64, int, bool, error) {
	low, high := 1, int(2*s.known)
	for high-low > 1 {
		n := (low + high) / 2
		o, err := b.burst(ctx, s.size, n)
		if err != nil {
			return 0, 0, false, err
		}
		if o.Paused > 0 || o.Offered != uint64(n) { // the queue was given time
			return 0, n, false, nil
		}
		if o.Received+o.Late == o.Offered {
			low = n
		} else {
			high = n
		}
	}
	return float64(low), 1, true, nil
}

// burst sends n frames at burstLoad.
func (b *Bench) burst(ctx context.Context, size rfc2544.FrameSize, n int) (rfc2544.Observation, error) {
	gap := time.Duration(float64(time.Second) / float64(burstLoad))
	r, err := b.execute(ctx, b.plan(rfc2544.Trial{Size: size, Load: burstLoad, Duration: time.Duration(n) * gap}))
	if err != nil {
		return rfc2544.Observation{}, err
	}
	return r.observation(b.lab.directions()), nil
}

// measureOutage is RFC 2544 section 26.5's way, the lost frames by the load, with the
// time that the schedule paused meanwhile.
func measureOutage(ctx context.Context, b *Bench, s standard, _ CertifyPlan) (float64, int, bool, error) {
	const load rfc2544.Rate = 10e3
	o, err := b.Measure(ctx, rfc2544.Trial{Size: s.size, Load: load, Duration: 4 * time.Second})
	if err != nil {
		return 0, 0, false, err
	}
	cfg, err := relay.Parse(b.device.Values)
	gone := float64(o.Offered-o.Received-o.Late) / float64(load) * 1e3
	for _, stall := range o.Stalls {
		if stall.Side == rfc2544.SideTester && stall.At >= cfg.Outage.Start && stall.At < cfg.Outage.Start+cfg.Outage.Length {
			gone += stall.Length.Seconds() * 1e3
		}
	}
	return gone, int(o.Offered), o.Valid, err
}
