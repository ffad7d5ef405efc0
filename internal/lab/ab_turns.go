package lab

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// turn is one device that is measured.
type turn struct {
	settings   Settings
	goodput    GoodputFunc
	setup      *Setup
	comparison *result.Comparison
	spoilt     *invalidTrials
	values     map[string]float64 // by metric; what could not be measured is absent
}

// turn brings a device up, measures it and takes it down.
func (l *Lab) turn(ctx context.Context, d dut.Device, t turn) (values map[string]float64, err error) {
	c := t.comparison
	values = map[string]float64{}
	b, err := l.Setup(ctx, d, t.settings, c.FrameSize)
	if err != nil {
		return values, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	t.setup, t.values = b, values
	var metrics []string
	for _, m := range c.Metrics {
		metrics = append(metrics, m.Name)
	}
	for _, measure := range turnsFor(metrics) {
		if err := measure(&t, ctx); err != nil {
			return values, err
		}
	}
	return values, nil
}

// turnsFor are the measurements that yield the metrics, each once.
func turnsFor(metrics []string) (turns []turnFunc) {
	var last turnFunc
	added := false
	for _, m := range compareMetrics {
		if m.turn != nil {
			last, added = m.turn, false
		}
		if slices.Contains(metrics, m.name) && !added {
			turns, added = append(turns, last), true
		}
	}
	return turns
}

// compareTrial is how long a trial of a turn is.
const compareTrial = 500 * time.Millisecond

// valid repeats a trial until it is valid; ok is false when none was. The last one
// counts however fast the device's cores are: an overloaded device may slow the probe
// by itself, and would have no sample at all while there is patience.
func (t *turn) valid(ctx context.Context, trial rfc2544.Trial) (o rfc2544.Observation, r Run, ok bool, err error) {
	ok, err = rfc2544.Retry{Times: rfc2544.DefaultRetries}.Do(func(last bool) (bool, time.Duration, error) {
		measure := t.setup.MeasureRun
		if last {
			measure = t.setup.MeasureAtAnySpeed
		}
		var err error
		if o, r, err = measure(ctx, trial); err != nil {
			return false, 0, err
		}
		t.spoilt.hear(t.setup.device.Spec, o)
		return o.Valid, o.Duration, nil
	})
	return o, r, ok, err
}

// overloadTurn is RFC 2285's forwarding rate at a load that nobody can carry.
func (t *turn) overloadTurn(ctx context.Context) error {
	_, r, ok, err := t.valid(ctx, rfc2544.Trial{Size: t.comparison.FrameSize, Load: t.comparison.Overload, Duration: compareTrial})
	if ok {
		t.values["forwarding_rate"] = float64(r.ForwardingRate())
	}
	return err
}

// lightTurn is latency and CPU at half of the slowest device's rate.
func (t *turn) lightTurn(ctx context.Context) error {
	o, _, ok, err := t.valid(ctx, rfc2544.Trial{Size: t.comparison.FrameSize, Load: t.comparison.Light, Duration: compareTrial})
	if !ok {
		return err
	}
	if o.CPUPerFrame != nil {
		t.values[cpuMetric] = *o.CPUPerFrame
	}
	if o.LatencyQuiet != nil {
		t.values["latency_p50"] = float64(o.LatencyQuiet.P50)
		if o.LatencyQuiet.N >= EnoughForP99 {
			t.values["latency_p99"] = float64(o.LatencyQuiet.P99)
		}
	}
	return nil
}

const allocMetric = "allocations_per_frame"

// allocationsTurn is how many objects both sides together allocate for a frame, the answers
// to the questions included: a few hundred in all. That needs no valid trial, only frames; of
// two trials the one with less counts, since what a program allocates to begin with is not the frames'.
func (t *turn) allocationsTurn(ctx context.Context) error {
	const long = 200 * time.Millisecond
	before, err := t.mallocs()
	for range 2 {
		if err != nil {
			return err
		}
		o, failed := t.setup.Measure(ctx, rfc2544.Trial{Size: t.comparison.FrameSize, Load: t.comparison.Light, Duration: long})
		if failed != nil {
			return failed
		}
		t.spoilt.hear(t.setup.device.Spec, o)
		var after uint64
		after, err = t.mallocs()
		if v, has := t.values[allocMetric]; err == nil && o.Received > 0 {
			each := float64(after-before) / float64(o.Received)
			if !has || each < v {
				t.values[allocMetric] = each
			}
		}
		before = after
	}
	return err
}

// mallocs are the objects that all sides have allocated so far.
func (t *turn) mallocs() (sum uint64, err error) {
	told, err := t.setup.Vitals()
	for _, v := range told {
		sum += v.Mallocs
	}
	return sum, err
}

// observed is the set-up, whose trials that are not valid are counted.
func (t *turn) observed() rfc2544.Measurer {
	return Observed(t.setup, func(_ rfc2544.Trial, o rfc2544.Observation) { t.spoilt.hear(t.setup.device.Spec, o) })
}

// pdrLimit is the longest that a search may take.
const pdrLimit = 15 * time.Second

// pdrTurn is a short search.
func (t *turn) pdrTurn(ctx context.Context) error {
	ceiling, hint, err := t.setup.Explore(ctx, t.comparison.FrameSize)
	if err != nil {
		return err
	}
	goal, err := mlrsearch.Preset("quick")
	if err != nil {
		return err
	}
	top := max(ceiling, 2*MinRate)
	o, err := rfc2544.RunRate(ctx, t.observed(), rfc2544.SearchConfig{
		Goals: []mlrsearch.Goal{goal}, Size: t.comparison.FrameSize, Min: MinRate, Max: top, Hint: min(max(hint, MinRate), top), Limit: pdrLimit,
	})
	switch {
	case err != nil:
		return err
	case o.Valid:
		for _, v := range o.Values {
			if v.Name == goal.Name {
				t.values["pdr"] = v.Value
			}
		}
	}
	return nil
}

// streamTurn is the goodput of one TCP connection, in a network of its own with
// hosts at its ends. It comes last: the set-up goes first, so that no second pair of
// the device's processes is in the way.
func (t *turn) streamTurn(ctx context.Context) error {
	if err := t.setup.Close(); err != nil {
		return err
	}
	bits, ok, err := t.goodput(ctx, t.setup.device, t.settings)
	if ok {
		t.values[streamMetric] = bits
	}
	return err
}
