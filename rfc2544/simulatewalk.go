package rfc2544

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// due is when frame n is sent, since the start of the trial, in seconds.
func (t Trial) due(n uint64) float64 {
	switch before := t.Load.Frames(t.StepAt); {
	case t.Burst > 1:
		burst := uint64(t.Burst)
		return float64(n/burst*burst)/float64(t.Load) + float64(n%burst)/float64(t.BurstRate)
	case t.Step > 0 && n >= before:
		return t.StepAt.Seconds() + float64(n-before)/float64(t.Step)
	}
	return float64(n) / float64(t.Load)
}

// walk sends frame after frame into the queue of the server: what a load that
// changes needs. Departures come before arrivals at the same time.
func (d *SimulatedDevice) walk(t Trial, capacity float64, seen *Observation) {
	const hair = 1e-6 // of a frame: rounding
	seen.Offered = t.Frames()
	room := float64(max(d.Queue, 1))
	slow, weary := float64(d.Slow.At(t.Size, Gigabit)), t.StepAt+d.Weary
	var inside, before float64
	for n := range seen.Offered {
		at := t.due(n)
		rate := capacity
		if t.Step > 0 && at >= t.StepAt.Seconds() && at < weary.Seconds() {
			rate = slow
		}
		inside = max(0, inside-rate*(at-before))
		before = at
		if inside+1 > room+hair {
			sent := time.Duration(at * float64(time.Second))
			seen.LastLost = &sent
			continue
		}
		inside++
		seen.Received++
	}
}

// timeEach gives every frame the delay that is its own.
func (d *SimulatedDevice) timeEach(t Trial, seen *Observation) {
	seen.Offered = t.Frames()
	first, every := t.Tags()
	var all, differences []time.Duration
	last := TagLost
	for n := range seen.Offered {
		took := d.Delay(d.trials, n)
		if t.TagFrom > 0 && n >= first && (n-first)%every == 0 {
			seen.Tags = append(seen.Tags, took)
		}
		if took != TagLost {
			all = append(all, took)
			if last != TagLost {
				differences = append(differences, took-last)
			}
		}
		last = took
	}
	seen.Received = uint64(len(all))
	seen.Latency = Summarise(all)
	seen.LatencyQuiet = seen.Latency
	if t.TagFrom > 0 && len(differences) > 0 {
		slices.Sort(differences)
		seen.Variation = &Variation{uint64(len(differences)), differences[0], time.Duration(stats.Median(differences)), differences[len(differences)-1]}
	}
}

// Summarise is the distribution of samples, exact; nil where there are none.
func Summarise(samples []time.Duration) *Distribution {
	if len(samples) == 0 {
		return nil
	}
	sorted := slices.Clone(samples)
	slices.Sort(sorted)
	at := func(p float64) time.Duration { return stats.Percentile(sorted, p) }
	return &Distribution{
		N: uint64(len(sorted)), Min: sorted[0], P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: sorted[len(sorted)-1],
	}
}

// MeasureReset implements Resetter: the device is gone from the reset until it
// was away for as long as asked and has booted.
func (d *SimulatedDevice) MeasureReset(ctx context.Context, t Trial, r Reset) (Observation, error) {
	seen, err := d.Measure(ctx, t)
	if err != nil || d.Boot == 0 {
		return seen, err
	}
	away := r.Off + d.Boot
	if away = min(away, t.Duration-r.At); r.At+away < t.Duration {
		seen.Silence = &Silence{At: r.At - t.Load.gap(), Length: away + t.Load.gap()}
	}
	lost := t.Load.Frames(r.At+away) - t.Load.Frames(r.At)
	last := time.Duration(t.due(t.Load.Frames(r.At+away)-1) * float64(time.Second))
	seen.Lost += lost + uint64(d.Perish)
	seen.Received -= lost + uint64(d.Perish)
	seen.LastLost = &last
	seen.Drops["device"] = int64(seen.Lost)
	return seen, nil
}

// gap is the time from one frame to the next.
func (r Rate) gap() time.Duration { return time.Duration(float64(time.Second) / float64(r)) }
