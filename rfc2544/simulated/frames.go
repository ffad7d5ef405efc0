package simulated

import (
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// due returns when frame n is sent, in seconds since the start of the trial.
func due(t rfc2544.Trial, n uint64) float64 {
	switch before := t.Load.Frames(t.StepAt); {
	case t.Burst > 1:
		burst := uint64(t.Burst)
		return float64(n/burst*burst)/float64(t.Load) + float64(n%burst)/float64(t.BurstRate)
	case t.Step > 0 && n >= before:
		return t.StepAt.Seconds() + float64(n-before)/float64(t.Step)
	}
	return float64(n) / float64(t.Load)
}

// walk simulates each frame in the queue of the server, for loads that change during a trial. At
// equal times departures come before arrivals.
func (d *Device) walk(t rfc2544.Trial, capacity float64, seen *rfc2544.Observation) {
	const rounding = 1e-6 // of a frame
	seen.Offered = t.Frames()
	room := float64(max(d.Queue, 1))
	slow, recovered := float64(d.RecoveryRate.At(t.Size, rfc2544.Gigabit)), t.StepAt+d.RecoveryTime
	var inside, before float64
	for n := range seen.Offered {
		at := due(t, n)
		rate := capacity
		if t.Step > 0 && at >= t.StepAt.Seconds() && at < recovered.Seconds() {
			rate = slow
		}
		inside = max(0, inside-rate*(at-before))
		before = at
		if inside+1 > room+rounding {
			sent := time.Duration(at * float64(time.Second))
			seen.LastLost = &sent
			continue
		}
		inside++
		seen.Received++
	}
}

// timeEach gives every frame its delay from Device.Delay.
func (d *Device) timeEach(t rfc2544.Trial, seen *rfc2544.Observation) {
	seen.Offered = t.Frames()
	first, every := t.Tags()
	var all, differences []time.Duration
	last := rfc2544.TagLost
	for n := range seen.Offered {
		took := d.Delay(d.trials, n)
		if t.TagFrom > 0 && n >= first && (n-first)%every == 0 {
			seen.Tags = append(seen.Tags, took)
		}
		if took != rfc2544.TagLost {
			all = append(all, took)
			if last != rfc2544.TagLost {
				differences = append(differences, took-last)
			}
		}
		last = took
	}
	seen.Received = uint64(len(all))
	seen.Latency = summarise(all)
	seen.LatencyQuiet = seen.Latency
	if t.TagFrom > 0 && len(differences) > 0 {
		slices.Sort(differences)
		seen.Variation = &rfc2544.Variation{
			N: uint64(len(differences)), Min: differences[0], Median: time.Duration(stats.Median(differences)), Max: differences[len(differences)-1],
		}
	}
}

// summarise returns the exact distribution of the samples; nil without samples.
func summarise(samples []time.Duration) *rfc2544.Distribution {
	if len(samples) == 0 {
		return nil
	}
	sorted := slices.Clone(samples)
	slices.Sort(sorted)
	at := func(p float64) time.Duration { return stats.Percentile(sorted, p) }
	return &rfc2544.Distribution{
		N: uint64(len(sorted)), Min: sorted[0], P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: sorted[len(sorted)-1],
	}
}
