package simulated

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// keys are the keys of Parse. The second name of a key is an older one that still works.
var keys = []struct {
	names []string
	set   func(*Device, string) error
}{
	{[]string{"capacity"}, func(d *Device, v string) error { return setLoad(&d.Capacity, v) }},
	{[]string{"queue"}, setQueue},
	{[]string{"largest"}, setLargest},
	{[]string{"loss"}, func(d *Device, v string) error { return setShare(&d.Loss, v) }},
	{[]string{"noise"}, func(d *Device, v string) error { return setShare(&d.Noise, v) }},
	{[]string{"bimodal"}, func(d *Device, v string) error { return setShare(&d.Bimodal, v) }},
	{[]string{"drift"}, func(d *Device, v string) error { return kv.SetFloat(&d.Drift, v) }},
	{[]string{"latency"}, func(d *Device, v string) error { return kv.SetDuration(&d.Latency, v) }},
	{[]string{"invalid"}, func(d *Device, v string) error { return setShare(&d.Invalid, v) }},
	{[]string{"disturbed"}, func(d *Device, v string) error { d.DisturbedLoss = 0.5; return setShare(&d.Disturbed, v) }},
	{[]string{"disturbed_loss"}, func(d *Device, v string) error { return setShare(&d.DisturbedLoss, v) }},
	{[]string{"max_offered", "offers"}, func(d *Device, v string) error { return setLoad(&d.MaxOffered, v) }},
	{[]string{"recovery_time", "weary"}, func(d *Device, v string) error { return kv.SetDuration(&d.RecoveryTime, v) }},
	{[]string{"recovery_rate", "slow"}, func(d *Device, v string) error { return setLoad(&d.RecoveryRate, v) }},
	{[]string{"boot_time", "boot"}, func(d *Device, v string) error { return kv.SetDuration(&d.BootTime, v) }},
	{[]string{"seed"}, setSeed},
}

// names returns the names of all keys, first the current ones, then the old ones.
func names() (current, old []string) {
	for _, key := range keys {
		current, old = append(current, key.names[0]), append(old, key.names[1:]...)
	}
	return current, old
}

// Parse reads "capacity=437600fps", optionally with queue=4096, largest=1430, loss=0.0001, noise=0.02,
// bimodal=0.8, drift=-0.001, latency=20us, invalid=0.1, disturbed=0.2, disturbed_loss=0.5 (the
// default), max_offered=800kpps, recovery_time=800ms, recovery_rate=200kpps, boot_time=2s and seed=7.
func Parse(s string) (*Device, error) {
	current, old := names()
	fields, err := kv.Parse(s, current, old...)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	if _, ok := fields.Get("capacity"); !ok {
		return nil, fmt.Errorf("device %q: capacity is missing: write capacity=437600fps", s)
	}
	d := &Device{}
	for _, key := range keys {
		for _, name := range key.names {
			value, ok := fields.Get(name)
			if !ok {
				continue
			}
			if err := key.set(d, value); err != nil {
				return nil, fmt.Errorf("device: %s: %w", name, err)
			}
		}
	}
	return d, nil
}

func setLoad(to *rfc2544.Load, s string) (err error) {
	*to, err = rfc2544.ParseLoad(s)
	return err
}

func setQueue(d *Device, s string) (err error) {
	if d.Queue, err = strconv.Atoi(s); err != nil || d.Queue < 2 || d.Queue > math.MaxInt32 {
		return fmt.Errorf("%q: write a whole number of frames, 2 or more", s)
	}
	return nil
}

func setLargest(d *Device, s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return fmt.Errorf("%q: write a frame size in bytes", s)
	}
	d.Largest = rfc2544.FrameSize(n)
	return nil
}

func setSeed(d *Device, s string) (err error) {
	if d.Seed, err = strconv.ParseUint(s, 10, 64); err != nil {
		return fmt.Errorf("%q: write a whole number, 0 or more", s)
	}
	return nil
}

func setShare(to *float64, s string) error {
	if err := kv.SetFloat(to, s); err != nil || *to < 0 || *to > 1 {
		return fmt.Errorf("%q: write a share from 0 to 1", s)
	}
	return nil
}
