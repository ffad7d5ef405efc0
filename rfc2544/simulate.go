package rfc2544

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// SimulatedDevice is a device with known faults on a virtual clock: the same
// spec shows the same trials for ever, and a minute of them takes microseconds.
//
//	frames -> [ queue of K, tail drop ] -> server of a fixed rate -> random loss -> out
//
// The zero value of each field but Capacity switches that fault off; a device
// with none is steady. It is not safe for concurrent use.
type SimulatedDevice struct {
	Capacity Load          // of the server, and the policer's rate without a queue
	Queue    int           // frames inside, the one in service included; 0 for a policer
	Loss     float64       // probability of each frame to get lost
	Noise    float64       // standard deviation of the capacity from trial to trial, relative
	Bimodal  float64       // capacity in every other trial, by a coin, as a share of the full one
	Drift    float64       // relative change of the capacity per second of trials
	Latency  time.Duration // of a frame that does not wait
	Invalid  float64       // share of trials that come out not valid
	Seed     uint64

	// Weary is how long it is slow after an overload ends, and Slow its capacity
	// then. Boot is how long it is gone when it is reset, and Perish how many
	// frames that it held die with it.
	Weary, Boot time.Duration
	Slow        Load
	Perish      int
	// Offers is the most that its tester can send; zero: all.
	Offers Load
	// Delay, if set, is each frame's own, by trial and number, both from 0 on;
	// TagLost for one that never comes.
	Delay func(trial int, frame uint64) time.Duration

	random  *rand.Rand
	trials  int
	elapsed time.Duration
}

// deviceKeys are the keys of ParseDevice.
var deviceKeys = []struct {
	name string
	set  func(*SimulatedDevice, string) error
}{
	{"capacity", func(d *SimulatedDevice, v string) (err error) { d.Capacity, err = ParseLoad(v); return err }},
	{"queue", func(d *SimulatedDevice, v string) (err error) {
		if d.Queue, err = strconv.Atoi(v); err != nil || d.Queue < 2 || d.Queue > math.MaxInt32 {
			return fmt.Errorf("%q: write a whole number of frames, 2 or more", v)
		}
		return nil
	}},
	{"loss", func(d *SimulatedDevice, v string) error { return setShare(&d.Loss, v) }},
	{"noise", func(d *SimulatedDevice, v string) error { return setShare(&d.Noise, v) }},
	{"bimodal", func(d *SimulatedDevice, v string) error { return setShare(&d.Bimodal, v) }},
	{"drift", func(d *SimulatedDevice, v string) error { return setFloat(&d.Drift, v) }},
	{"latency", func(d *SimulatedDevice, v string) error { return setDuration(&d.Latency, v) }},
	{"invalid", func(d *SimulatedDevice, v string) error { return setShare(&d.Invalid, v) }},
	{"offers", func(d *SimulatedDevice, v string) (err error) { d.Offers, err = ParseLoad(v); return err }},
	{"weary", func(d *SimulatedDevice, v string) error { return setDuration(&d.Weary, v) }},
	{"slow", func(d *SimulatedDevice, v string) (err error) { d.Slow, err = ParseLoad(v); return err }},
	{"boot", func(d *SimulatedDevice, v string) error { return setDuration(&d.Boot, v) }},
	{"seed", func(d *SimulatedDevice, v string) (err error) {
		if d.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fmt.Errorf("%q: write a whole number, 0 or more", v)
		}
		return nil
	}},
}

// ParseDevice reads "capacity=437600fps" with, at will, queue=4096,
// loss=0.0001, noise=0.02, bimodal=0.8, drift=-0.001, latency=20us,
// invalid=0.1, offers=800kpps, weary=800ms, slow=200kpps, boot=2s and seed=7.
func ParseDevice(s string) (*SimulatedDevice, error) {
	fields, err := parseFields(s)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	if _, ok := fields["capacity"]; !ok {
		return nil, fmt.Errorf("device %q: capacity is missing: write capacity=437600fps", s)
	}
	d := &SimulatedDevice{}
	for _, key := range deviceKeys {
		if value, ok := fields[key.name]; ok {
			if err := key.set(d, value); err != nil {
				return nil, fmt.Errorf("device: %s: %w", key.name, err)
			}
			delete(fields, key.name)
		}
	}
	for name := range fields {
		return nil, fmt.Errorf("device: unknown key %q: use capacity, queue, loss, noise, bimodal, drift, latency, invalid, offers, weary, slow, boot and seed", name)
	}
	return d, nil
}

func setShare(to *float64, s string) error {
	if err := setFloat(to, s); err != nil || *to < 0 || *to > 1 {
		return fmt.Errorf("%q: write a share from 0 to 1", s)
	}
	return nil
}

// Elapsed is the virtual time spent in trials so far.
func (d *SimulatedDevice) Elapsed() time.Duration { return d.elapsed }

// Measure implements Measurer. A flood is offered at the rate of Gigabit.
func (d *SimulatedDevice) Measure(ctx context.Context, t Trial) (Observation, error) {
	if err := ctx.Err(); err != nil {
		return Observation{}, err
	}
	if d.random == nil {
		d.random = rand.New(rand.NewPCG(d.Seed, 0))
	}
	seen := Observation{
		IntendedLoad: t.Load, Intended: t.Frames(), Duration: t.Duration, Stalls: []Stall{}, Valid: true, Warnings: []string{},
	}
	switch capacity := d.capacity(t.Size); {
	case d.Delay != nil:
		d.timeEach(t, &seen)
	case t.Step > 0 || t.Burst > 1:
		d.walk(t, capacity, &seen)
	default:
		d.count(t, capacity, &seen)
	}
	seen.Lost = seen.Offered - seen.Received
	seen.Drops = map[string]int64{"device": int64(seen.Lost)}
	d.elapsed += t.Rest + t.Duration
	d.trials++
	if d.chance(d.Invalid) {
		seen.Valid, seen.Warnings = false, []string{"simulated: the machine took the cores away"}
	}
	return seen, nil
}

// count does a trial of constant load without looking at its frames.
func (d *SimulatedDevice) count(t Trial, capacity float64, seen *Observation) {
	load := t.Load
	if load.IsFlood() {
		load = Gigabit.MaxFrameRate(t.Size)
	}
	if most := d.Offers.At(t.Size, Gigabit); d.Offers != (Load{}) && load > most {
		load = most
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
		seen.Variation = &Variation{N: seen.Received - min(1, seen.Received)}
	}
}

// chance draws only where something can happen, so that a fault switched off
// leaves the random sequence of the others alone.
func (d *SimulatedDevice) chance(p float64) bool { return p > 0 && d.random.Float64() < p }

// capacity is that of one trial.
func (d *SimulatedDevice) capacity(size FrameSize) float64 {
	c := float64(d.Capacity.At(size, Gigabit)) * (1 + d.Drift*d.elapsed.Seconds())
	if d.Noise > 0 {
		c *= 1 + d.Noise*d.random.NormFloat64()
	}
	if d.Bimodal > 0 && d.chance(0.5) {
		c *= d.Bimodal
	}
	return max(c, 0)
}

// carried is how many of the frames, sent at even distances from time zero on,
// the server takes. Without a queue that is all its rate allows in the trial.
// With one, an overloaded server never rests: what it took by the last arrival
// is what left by then and what the queue holds.
func (d *SimulatedDevice) carried(frames uint64, load Rate, capacity float64, t time.Duration) uint64 {
	switch {
	case frames == 0 || math.IsInf(capacity, 1):
		return frames
	case d.Queue == 0:
		return min(frames, Rate(capacity).Frames(t))
	case float64(load) <= capacity:
		return frames
	}
	left := math.Floor(capacity*float64(frames-1)/float64(load) + 1e-6)
	return min(frames, uint64(d.Queue)+uint64(left))
}

// unlucky draws how many of n frames get lost: a Poisson count, or its normal
// limit where that is as good.
func (d *SimulatedDevice) unlucky(n uint64) uint64 {
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

// latency is that of the frames that came: the wait in the queue grows evenly
// until the queue is full and stays so.
func (d *SimulatedDevice) latency(n uint64, load Rate, capacity float64, t time.Duration) *Distribution {
	at := func(share float64) time.Duration { return d.Latency }
	if d.Queue > 0 && float64(load) > capacity && capacity > 0 {
		growth := (float64(load) - capacity) * t.Seconds() // frames by the end of the trial, were there room
		at = func(share float64) time.Duration {
			waiting := min(growth*share, float64(d.Queue))
			return d.Latency + time.Duration(waiting/capacity*float64(time.Second))
		}
	}
	return &Distribution{N: n, Min: at(0), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: at(1)}
}
