package compare

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Turn describes how a device is measured once.
type Turn struct {
	Settings   lab.Settings
	Goodput    GoodputFunc
	Comparison *result.Comparison // supplies the metrics, the frame size and the loads
	Invalid    *InvalidTrials     // the turn's invalid trials are added here
}

// turn is the state while a device is being measured.
type turn struct {
	Turn
	device dut.Device
	setup  Setup              // nil: no metric needs frames
	values map[string]float64 // by metric; missing if it could not be measured
}

// Measure starts a device, measures it and stops it. It returns the values by metric, without those
// that could not be measured.
func (p Turn) Measure(ctx context.Context, l Lab, d dut.Device) (values map[string]float64, err error) {
	values = map[string]float64{}
	t := &turn{p, d, nil, values}
	if !onlyStreams(p.Comparison.Metrics) {
		if t.setup, err = bringUp(ctx, l, d, p.Settings, p.Comparison.FrameSize); err != nil {
			return values, err
		}
		defer func() { p.Invalid.addTeardown(t.setup.Close()) }()
	}
	var names []string
	for _, m := range p.Comparison.Metrics {
		names = append(names, m.Name)
	}
	for _, measure := range turnsFor(names) {
		if err := measure(t, ctx); err != nil {
			return values, err
		}
	}
	return values, nil
}

// turnsFor returns the turns that measure these metrics, each once.
func turnsFor(names []string) (turns []turnFunc) {
	var last turnFunc
	added := false
	for _, m := range metrics {
		if m.turn != nil {
			last, added = m.turn, false
		}
		if slices.Contains(names, m.name) && !added {
			turns, added = append(turns, last), true
		}
	}
	return turns
}

// compareTrial is the duration of a turn's trial.
const compareTrial = 500 * time.Millisecond

// valid repeats a trial until it is valid; ok is false if no attempt was.
func (t *turn) valid(ctx context.Context, trial rfc2544.Trial) (o rfc2544.Observation, r lab.Run, ok bool, err error) {
	ok, err = rfc2544.Retry{Times: rfc2544.DefaultRetries}.Do(func(bool) (bool, time.Duration, error) {
		var err error
		if o, r, err = t.setup.MeasureRun(ctx, trial); err != nil {
			return false, 0, err
		}
		t.Invalid.add(t.device.Spec, o)
		return o.Valid, o.Duration, nil
	})
	return o, r, ok, err
}

// closedLoopTurn measures the rate of a closed loop.
func (t *turn) closedLoopTurn(ctx context.Context) error {
	o, r, ok, err := t.valid(ctx, control.ClosedLoop(t.Comparison.FrameSize))
	if ok && o.CleanTime() > 0 {
		received := o.Received
		if o.Clean != nil {
			received = o.Clean.Received
		}
		if r.Ledger.OneWay() {
			received = 0
		}
		t.values[rateMetric] = float64(received) / o.CleanTime().Seconds()
	}
	return err
}

// overloadTurn measures the forwarding rate of RFC 2285 under a load that no device forwards
// completely.
func (t *turn) overloadTurn(ctx context.Context) error {
	_, r, ok, err := t.valid(ctx, rfc2544.Trial{Size: t.Comparison.FrameSize, Load: t.Comparison.Overload, Duration: compareTrial})
	if ok {
		t.values["forwarding_rate"] = float64(r.ForwardingRate())
	}
	return err
}

// lightTurn measures latency and CPU time at half of the slowest device's rate.
func (t *turn) lightTurn(ctx context.Context) error {
	o, r, ok, err := t.valid(ctx, rfc2544.Trial{Size: t.Comparison.FrameSize, Load: t.Comparison.Light, Duration: compareTrial})
	if !ok {
		return err
	}
	if o.Offered > 0 && o.Received == 0 || r.Ledger.OneWay() {
		putSilence(t.values)
		return nil
	}
	if o.CPUPerFrame != nil && *o.CPUPerFrame > 0 {
		t.values[cpuMetric] = *o.CPUPerFrame
	}
	putLatency(t.values, o.LatencyQuiet)
	return nil
}

const allocMetric = "allocations_per_frame"

// allocationsTurn measures the allocated objects per frame, both ends together. The count includes
// a few hundred objects for the queries. The trials only have to carry frames and need not be
// valid. It takes the lower of two counts, since the first one includes start-up allocations.
func (t *turn) allocationsTurn(ctx context.Context) error {
	const long = 200 * time.Millisecond
	before, err := t.mallocs()
	for range 2 {
		if err != nil {
			return err
		}
		o, failed := t.setup.Measure(ctx, rfc2544.Trial{Size: t.Comparison.FrameSize, Load: t.Comparison.Light, Duration: long})
		if failed != nil {
			return failed
		}
		t.Invalid.add(t.device.Spec, o)
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

// mallocs returns the number of objects that all ends have allocated so far.
func (t *turn) mallocs() (sum uint64, err error) {
	vitals, err := t.setup.Vitals()
	for _, v := range vitals {
		sum += v.Mallocs
	}
	return sum, err
}

// observed returns the setup as a measurer that counts invalid trials.
func (t *turn) observed() rfc2544.Measurer {
	return lab.Observed(t.setup, func(_ rfc2544.Trial, o rfc2544.Observation) { t.Invalid.add(t.device.Spec, o) })
}

// pdrLimit is the time limit of a search.
const pdrLimit = 15 * time.Second

// pdrTurn measures the partial drop rate with a short search.
func (t *turn) pdrTurn(ctx context.Context) error {
	ceiling, hint, err := t.setup.Explore(ctx, t.Comparison.FrameSize)
	if err != nil {
		return err
	}
	goal, err := mlrsearch.Preset("quick")
	if err != nil {
		return err
	}
	top := max(ceiling, 2*lab.MinRate)
	o, err := rfc2544.RunRate(ctx, t.observed(), rfc2544.SearchConfig{
		Goals: []mlrsearch.Goal{goal}, Size: t.Comparison.FrameSize, Min: lab.MinRate, Max: top, Hint: min(max(hint, lab.MinRate), top), Limit: pdrLimit,
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

// streamTurn measures the goodput of one TCP connection, in its own network with hosts at its ends.
// It is the last turn: it closes the setup first, so that no other processes of the device run
// beside it.
func (t *turn) streamTurn(ctx context.Context) error {
	if t.setup != nil {
		t.Invalid.addTeardown(t.setup.Close())
	}
	var err error
	for range bringUps {
		var bits float64
		var ok bool
		if bits, ok, err = t.Goodput(ctx, t.device, t.Settings); ok {
			t.values[StreamMetric] = bits
		}
		if !again(ctx, err) {
			break
		}
	}
	return err
}
