package simulated

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Device is a simulated device with known faults on a virtual clock. The same field values always
// give the same trials, and a minute of trials takes microseconds.
//
//	frames -> [ queue of K, tail drop ] -> server of a fixed rate -> random loss -> out
//
// The zero value of each field but Capacity switches that fault off; a device
// with none is steady. It is not safe for concurrent use.
type Device struct {
	Capacity rfc2544.Load      // rate of the server; without a queue, of the policer
	Queue    int               // capacity of the queue in frames, the frame in service included; 0 for a policer
	Largest  rfc2544.FrameSize // larger frames do not pass; 0: all do
	Loss     float64           // loss probability of each frame
	Noise    float64           // standard deviation of the capacity from trial to trial, relative
	Bimodal  float64           // share of the capacity in half of the trials, chosen at random
	Drift    float64           // relative change of the capacity per second of trials
	Latency  time.Duration     // latency of a frame that does not wait in the queue
	Invalid  float64           // share of broken trials: they are not valid
	// Disturbed is the share of a trial's time in which something else disturbs it: random slices of
	// 10 ms that Observation.Clean leaves out. DisturbedLoss is the loss probability of their frames.
	Disturbed, DisturbedLoss float64
	Seed                     uint64

	RecoveryTime time.Duration // duration of slow operation after an overload
	RecoveryRate rfc2544.Load  // capacity during RecoveryTime
	BootTime     time.Duration // from a reset, or the end of a power failure, to forwarding again
	InFlightLoss int           // frames in the device that a reset loses
	NoProcesses  bool          // resets of processes are unsupported
	MaxOffered   rfc2544.Load  // the most that the tester can send; zero: no limit
	// Delay, if set, returns the delay of a frame by the numbers of trial and frame, both counted from
	// 0; rfc2544.TagLost for a lost frame.
	Delay func(trial int, frame uint64) time.Duration

	random  *rand.Rand
	trials  int
	elapsed time.Duration
}

// Elapsed is the virtual time spent in trials so far.
func (d *Device) Elapsed() time.Duration { return d.elapsed }

// Measure implements rfc2544.Measurer. A flood is offered at the rate of rfc2544.Gigabit.
func (d *Device) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	if err := ctx.Err(); err != nil {
		return rfc2544.Observation{}, err
	}
	if d.random == nil {
		d.random = rand.New(rand.NewPCG(d.Seed, 0))
	}
	seen := rfc2544.Observation{
		IntendedLoad: t.Load, Counts: rfc2544.Counts{Intended: t.Frames()}, Duration: t.Duration, Stalls: []rfc2544.Stall{}, Valid: true, Invalid: rfc2544.Reasons{}, Warnings: []string{},
	}
	switch capacity := d.capacity(t.Size); {
	case d.Delay != nil:
		d.timeEach(t, &seen)
	case t.Step > 0 || t.Burst > 1:
		d.walk(t, capacity, &seen)
	default:
		d.count(t, capacity, &seen)
	}
	if d.Disturbed > 0 {
		d.disturb(&seen)
	}
	seen.Lost = seen.Offered - seen.Received
	seen.Drops = droppedBy(seen.Lost)
	d.elapsed += t.Rest + t.Duration
	d.trials++
	if d.chance(d.Invalid) {
		seen.Reject(rfc2544.Because(rfc2544.ReceiverOverflow, "simulated: the tester's receiver dropped frames"))
	}
	return seen, nil
}

// slice is the length of the slices of a trial that are clean or disturbed.
const slice = 10 * time.Millisecond

// disturb chooses the disturbed slices of a trial, loses frames in them, and fills the clean part.
func (d *Device) disturb(seen *rfc2544.Observation) {
	slices, clean := max(1, int(seen.Duration/slice)), 0
	for range slices {
		if !d.chance(d.Disturbed) {
			clean++
		}
	}
	part := func(n uint64) uint64 { return uint64(float64(n) * float64(clean) / float64(slices)) }
	seen.Clean = &rfc2544.Clean{
		Time: seen.Duration * time.Duration(clean) / time.Duration(slices), Offered: part(seen.Offered), Received: part(seen.Received),
	}
	if clean == slices {
		return
	}
	seen.Disturbed = rfc2544.Reasons{rfc2544.Because(rfc2544.OtherPrograms, "simulated: other programs ran in %d of %d slices", slices-clean, slices)}
	seen.Received -= uint64(d.DisturbedLoss * float64(seen.Received-seen.Clean.Received))
	if seen.Latency != nil {
		all, quiet := *seen.Latency, *seen.Latency
		all.N, quiet.N = seen.Received, seen.Clean.Received
		seen.Latency, seen.LatencyQuiet = &all, &quiet
	}
}

// droppedBy returns the drops of a device that lost this many frames.
func droppedBy(lost uint64) rfc2544.Drops {
	if lost == 0 {
		return rfc2544.Drops{}
	}
	return rfc2544.Drops{{Kind: "device", Frames: int64(lost)}}
}

// count simulates a trial of constant load without simulating single frames.
func (d *Device) count(t rfc2544.Trial, capacity float64, seen *rfc2544.Observation) {
	load := t.Load
	if load.IsFlood() {
		load = rfc2544.Gigabit.MaxFrameRate(t.Size)
	}
	if most := d.MaxOffered.At(t.Size, rfc2544.Gigabit); d.MaxOffered != (rfc2544.Load{}) && load > most {
		load = most
		if !t.Load.IsFlood() {
			seen.Reject(rfc2544.Because(rfc2544.SenderShort, "simulated: sent %v of %v", most, t.Load))
		}
	}
	seen.Offered = load.Frames(t.Duration)
	carried := d.carried(seen.Offered, load, capacity, t.Duration)
	seen.Received = carried - d.unlucky(carried)
	if seen.Received > 0 {
		seen.Latency = d.latency(seen.Received, load, capacity, t.Duration)
		seen.LatencyQuiet = seen.Latency
	}
	if t.TagFrom > 0 {
		first, every := t.Tags()
		for n := first; n < seen.Offered; n += every {
			seen.Tags = append(seen.Tags, d.Latency)
		}
		seen.Variation = &rfc2544.Variation{N: seen.Received - min(1, seen.Received)}
	}
}

// chance draws a random number only if p is above 0, so that a fault that is off does not change
// the random sequence of the others.
func (d *Device) chance(p float64) bool { return p > 0 && d.random.Float64() < p }

// capacity returns the capacity in one trial.
func (d *Device) capacity(size rfc2544.FrameSize) float64 {
	if d.Largest > 0 && size > d.Largest {
		return 0
	}
	c := float64(d.Capacity.At(size, rfc2544.Gigabit)) * (1 + d.Drift*d.elapsed.Seconds())
	if d.Noise > 0 {
		c *= 1 + d.Noise*d.random.NormFloat64()
	}
	if d.Bimodal > 0 && d.chance(0.5) {
		c *= d.Bimodal
	}
	return max(c, 0)
}

// carried returns how many of the frames, sent at even distances from time zero on, the server
// accepts. Without a queue its rate limits them. With a queue an overloaded server is always busy:
// it accepts the frames that left by the last arrival, and those that are then in the queue.
func (d *Device) carried(frames uint64, load rfc2544.Rate, capacity float64, t time.Duration) uint64 {
	switch {
	case capacity == 0:
		return 0
	case frames == 0 || math.IsInf(capacity, 1):
		return frames
	case d.Queue == 0:
		return min(frames, rfc2544.Rate(capacity).Frames(t))
	case float64(load) <= capacity:
		return frames
	}
	left := math.Floor(capacity*float64(frames-1)/float64(load) + 1e-6)
	return min(frames, uint64(d.Queue)+uint64(left))
}

// unlucky draws how many of n frames are lost: a Poisson count, or its normal approximation where n
// is large.
func (d *Device) unlucky(n uint64) uint64 {
	mean := float64(n) * d.Loss
	if mean == 0 {
		return 0
	}
	if mean > 50 {
		spread := math.Sqrt(mean * (1 - d.Loss))
		return min(n, uint64(max(0, math.Round(mean+spread*d.random.NormFloat64()))))
	}
	var count uint64
	for p := d.random.Float64(); p > math.Exp(-mean) && count < n; count++ {
		p *= d.random.Float64()
	}
	return count
}

// latency returns the latencies of the received frames: the wait in the queue grows linearly until
// the queue is full, and then stays constant.
func (d *Device) latency(n uint64, load rfc2544.Rate, capacity float64, t time.Duration) *rfc2544.Distribution {
	at := func(share float64) time.Duration { return d.Latency }
	if d.Queue > 0 && float64(load) > capacity && capacity > 0 {
		growth := (float64(load) - capacity) * t.Seconds() // queue length at the end of the trial if the queue had no limit
		at = func(share float64) time.Duration {
			waiting := min(growth*share, float64(d.Queue))
			return d.Latency + time.Duration(waiting/capacity*float64(time.Second))
		}
	}
	return &rfc2544.Distribution{N: n, Min: at(0), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: at(1)}
}
