package selftest

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/netns/relay"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// patternReferences are exact to the frame: the lab has to count exactly the frames that the
// pattern affects.
func patternReferences(engine, direction string) []reference {
	const device = "relay:drop=1/1000,dup=1/700,reorder=1/500,corrupt=1/300"
	return []reference{{
		name: fmt.Sprintf("dropped, doubled, reordered, corrupted by pattern: %s, %s", engine, direction), device: device,
		quantity: "loss", unit: "frames in a wrong place", size: 128, known: 0, limit: 0, limitUnit: "frames", repeats: 3, quick: 1,
		measure: measurePatterns,
	}}
}

func measurePatterns(ctx context.Context, b Setup, r reference, p Plan) (sample, error) {
	t := rfc2544.Trial{Size: r.size, Load: 50e3, Duration: 2 * time.Second}
	if p.Quick {
		t.Duration = 400 * time.Millisecond
	}
	o, err := b.Measure(ctx, t)
	if err != nil {
		return sample{}, err
	}
	cfg, err := relay.Parse(b.Device().Values)
	if err != nil {
		return sample{}, err
	}
	directions := o.Directions
	if len(directions) == 0 {
		directions = []rfc2544.Direction{{Counts: o.Counts}}
	}
	wrong := uint64(0)
	for _, d := range directions {
		e := cfg.Effect(d.Offered)
		wrong += apart(d.Received+d.Late, e.Received) + apart(d.Duplicated, e.Duplicated) + apart(d.Reordered, e.Reordered) +
			apart(d.Corrupted, e.Corrupted) + d.Stale + d.Foreign
	}
	return sample{float64(wrong), int(o.Offered), o.Offered == o.Intended}, nil
}

func apart(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// timeReferences are reference values of rates and times.
func timeReferences() []reference {
	return []reference{
		constantDelay(time.Millisecond), constantDelay(20 * time.Millisecond),
		{
			name: "forwarding rate of a relay under 2x overload", device: "relay:rate=20kpps,queue=1000", quantity: "rate", unit: "fps",
			size: 64, known: 20e3, limit: 0.5, limitUnit: "%", repeats: 3, quick: 1, measure: measureRelayRate,
		},
		{
			name: "forwarding rate of a shaped link under 2x overload", device: "shaped:rate=100Mbps", quantity: "rate", unit: "bit/s",
			size: 1518, known: 100e6, limit: 0.5, limitUnit: "%", repeats: 3, quick: 1, measure: measureShapedRate,
		},
		{
			name: "back-to-back frames into a queue of 1000", device: "relay:rate=100kpps,queue=1000", quantity: "queue", unit: "frames",
			size: 64, known: burstKnown, limit: 2, limitUnit: "%", repeats: 5, quick: 1, measure: measureBurst,
		},
		{
			name: "outage of 2.5 s", device: "relay:outage=500ms+2500ms", quantity: "outage", unit: "ms",
			size: 64, known: 2500, limit: 5, limitUnit: "ms", repeats: 10, quick: 1, measure: measureOutage,
		},
		{
			name: "system recovery, of an outage that goes on for 400 ms", device: "relay:outage=900ms+500ms", quantity: "outage", unit: "ms",
			size: 64, known: 400, limit: 5, limitUnit: "ms", repeats: 10, quick: 1, measure: measureRecovery,
		},
		resetTime("lost frames", "reset_time_short"), resetTime("time stamps", "reset_time_timestamp_short"),
		delaySpike("PDV", "pdv_short", spike), delaySpike("IPDV, the largest", "ipdv_max_short", spike),
		delaySpike("IPDV, the least", "ipdv_min_short", -spike), delaySpike("IPDV, the median", "ipdv_median_short", 0),
	}
}

func resetTime(method, value string) reference {
	return reference{
		name: "reset time of an outage of 2.5 s, by " + method, device: "relay:outage=1s+2500ms", quantity: "outage", unit: "ms",
		size: 64, known: 2500, limit: 5, limitUnit: "ms", repeats: 10, quick: 1,
		measure: func(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
			out, err := rfc2544.RunReset(ctx, outageReset{b}, rfc2544.ResetConfig{
				Size: r.size, Throughput: 10e3, Kind: rfc2544.ResetProcess, Clean: time.Second, Limit: 3 * time.Second, Repeats: 1,
			})
			return milliseconds(out, value, err)
		},
	}
}

// outageReset is a device without reset: an outage of the relay replaces it.
type outageReset struct{ Setup }

// MeasureReset implements rfc2544.Resetter.
func (r outageReset) MeasureReset(ctx context.Context, t rfc2544.Trial, _ rfc2544.Reset) (rfc2544.Observation, error) {
	return r.Measure(ctx, t)
}

// measureRecovery overloads the relay and measures recovery_time: the relay loses frames until its
// outage ends.
func measureRecovery(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
	out, err := rfc2544.RunRecovery(ctx, b, rfc2544.RecoveryConfig{
		Size: r.size, Throughput: 9e3, Most: 10e3, Overload: time.Second, After: time.Second, Repeats: 1,
	})
	return milliseconds(out, "recovery_time_short", err)
}

// milliseconds returns a time that a test measured; ok is false if there is none.
func milliseconds(out rfc2544.Outcome, name string, err error) (sample, error) {
	for _, v := range out.Values {
		if v.Name == name {
			return sample{v.Value / 1e6, len(out.Trials), out.Valid}, err
		}
	}
	return sample{}, err
}

// A delay pattern: every 10th frame is delayed by this much more than the others.
const spike = 2 * time.Millisecond

// delaySpike measures delay variation. Frames are sent so far apart that none waits for another.
// Stalls of the machine change the extremes of a run; the median of many short runs is not
// affected.
func delaySpike(what, value string, known time.Duration) reference {
	return reference{
		name: fmt.Sprintf("%s of every 10th frame %v late", what, spike), device: fmt.Sprintf("relay:delay=1ms,spike=%v/10", spike), quantity: "latency", unit: "us",
		size: 64, known: float64(known) / 1e3, limit: 20, limitUnit: "us", repeats: 5, quick: 1,
		measure: func(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
			out, err := rfc2544.RunDelay(ctx, b, rfc2544.DelayConfig{Size: r.size, Rate: 200, Stream: 250 * time.Millisecond, TagFrom: 5 * time.Millisecond, Runs: 20})
			for _, v := range out.Values {
				if v.Name == value {
					return sample{v.Value / 1e3, v.N, true}, err
				}
			}
			return sample{}, err
		},
	}
}

func constantDelay(d time.Duration) reference {
	return reference{
		name: fmt.Sprintf("constant delay of %v: p50 outside stalls", d), device: "relay:delay=" + d.String(), quantity: "latency", unit: "us",
		size: 64, known: float64(d) / 1e3, limit: 20, limitUnit: "us", repeats: 5, quick: 3, measure: measureDelay,
	}
}

func measureDelay(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
	o, err := b.Measure(ctx, rfc2544.Trial{Size: r.size, Load: 10e3, Duration: time.Second})
	if err != nil || o.LatencyQuiet == nil {
		return sample{}, err
	}
	return sample{float64(o.LatencyQuiet.P50) / 1e3, int(o.LatencyQuiet.N), o.Valid}, nil
}

// overloadTime is the length of an overload.
func overloadTime(p Plan) time.Duration {
	if p.Quick {
		return 2 * time.Second
	}
	return 10 * time.Second
}

// measureRelayRate subtracts the frames that are in the queue when the trial ends: they leave the
// relay afterwards.
func measureRelayRate(ctx context.Context, b Setup, r reference, p Plan) (sample, error) {
	o, err := b.Measure(ctx, rfc2544.Trial{Size: r.size, Load: 2 * rfc2544.Rate(r.known), Duration: overloadTime(p)})
	if err != nil {
		return sample{}, err
	}
	cfg, err := relay.Parse(b.Device().Values)
	came := float64(o.Received + o.Late)
	return sample{(came - float64(cfg.Queue)) / wall(o).Seconds(), int(came), o.Valid}, err
}

// measureShapedRate subtracts the frames that the token bucket held at the start and the queue
// holds at the end.
func measureShapedRate(ctx context.Context, b Setup, r reference, p Plan) (sample, error) {
	load := 2 * rfc2544.Rate(r.known/8/float64(r.size))
	o, err := b.Measure(ctx, rfc2544.Trial{Size: r.size, Load: load, Duration: overloadTime(p)})
	if err != nil {
		return sample{}, err
	}
	shape, err := dut.ParseShape(b.Device().Values)
	came := float64(o.Received + o.Late)
	bytes := came*float64(r.size.OnVeth()) - float64(shape.Burst+shape.Limit)
	return sample{bytes * 8 / wall(o).Seconds(), int(came), o.Valid}, err
}

// A burst at this load goes into a queue of K frames that drains at rate R. Frames leave during the
// burst, so the longest burst without loss has K / (1 - R/load) frames.
const (
	burstLoad  rfc2544.Rate = 500e3
	burstDrain rfc2544.Rate = 100e3
	burstKnown              = 1000 / (1 - float64(burstDrain/burstLoad))
)

func measureBurst(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
	out, err := rfc2544.RunBackToBack(ctx, b, rfc2544.BackToBackConfig{Size: r.size, Rate: burstLoad, Throughput: burstDrain, Repeats: 1, Step: 1})
	if err != nil || len(out.Values) == 0 {
		return sample{}, err
	}
	return sample{out.Values[0].Value, 1, out.Valid}, nil
}

// measureOutage divides the lost frames by the load (RFC 2544 section 26.5) and adds the time that
// the schedule paused.
func measureOutage(ctx context.Context, b Setup, r reference, _ Plan) (sample, error) {
	const load rfc2544.Rate = 10e3
	o, err := b.Measure(ctx, rfc2544.Trial{Size: r.size, Load: load, Duration: 4 * time.Second})
	if err != nil {
		return sample{}, err
	}
	cfg, err := relay.Parse(b.Device().Values)
	gone := float64(o.Offered-o.Received-o.Late) / float64(load) * 1e3
	for _, stall := range o.Stalls {
		if stall.Side == rfc2544.SideTester && stall.At >= cfg.Outage.Start && stall.At < cfg.Outage.Start+cfg.Outage.Length {
			gone += stall.Length.Seconds() * 1e3
		}
	}
	return sample{gone, int(o.Offered), o.Valid}, err
}

// wall is the time during which frames could pass. The schedule's pauses come from the tester, not
// from the device.
func wall(o rfc2544.Observation) time.Duration { return o.Duration + o.Paused }
