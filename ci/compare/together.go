package compare

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// rateMetric is the rate that a device sustains without loss, with control.Window frames in flight.
const rateMetric = "closed_loop_rate"

// Round measures every device once. Where a metric allows it, all devices are up at once and are
// measured in turns of one trial. All other metrics are measured device by device, each freshly
// brought up. If a device dies beside the others, these are measured one by one, so that the round
// keeps their values.
type Round struct {
	Settings   lab.Settings
	Goodput    GoodputFunc
	Comparison *result.Comparison // supplies the metrics, the frame size and the loads
	Invalid    *InvalidTrials     // the round's invalid trials are added here
	Together   bool               // the devices can be up at once
	OnTurn     func(k int)        // called when device k has been measured; may be nil
}

// Measure returns for each device the values by metric, without those that could not be measured,
// and the error that kept it from being measured. The devices come in the order of measuring.
func (r Round) Measure(ctx context.Context, l Lab, devices []dut.Device) (values []map[string]float64, errs []error) {
	values, errs = make([]map[string]float64, len(devices)), make([]error, len(devices))
	for k := range devices {
		values[k] = map[string]float64{}
	}
	var together, alone []result.Metric
	for _, m := range r.Comparison.Metrics {
		if r.Together && takesTurns(m.Name) {
			together = append(together, m)
		} else {
			alone = append(alone, m)
		}
	}
	if len(together) > 0 {
		blame(r.inTurns(ctx, l, devices, together, values), errs)
		if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
			alone = r.Comparison.Metrics
		}
	}
	for k, d := range devices {
		if len(alone) > 0 && errs[k] == nil && ctx.Err() == nil {
			c := *r.Comparison
			c.Metrics = alone
			var more map[string]float64
			more, errs[k] = Turn{Settings: r.Settings, Goodput: r.Goodput, Comparison: &c, Invalid: r.Invalid}.Measure(ctx, l, d)
			for name, v := range more {
				values[k][name] = v
			}
		}
		if r.OnTurn != nil {
			r.OnTurn(k)
		}
	}
	return values, errs
}

// blame stores an error of one device as that device's, any other as everybody's.
func blame(err error, errs []error) {
	var member lab.MemberError
	for k := range errs {
		if err != nil && (!errors.As(err, &member) || member.Index == k) {
			errs[k] = err
		}
	}
}

// inTurns measures metrics with all devices up at once.
func (r Round) inTurns(ctx context.Context, l Lab, devices []dut.Device, metrics []result.Metric, values []map[string]float64) (err error) {
	g, err := l.Group(ctx, devices, r.Settings, r.Comparison.FrameSize)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	size := r.Comparison.FrameSize
	if has(metrics, rateMetric) {
		turned, err := g.MeasureTurns(ctx, control.ClosedLoop(size), control.Turns)
		if err != nil {
			return err
		}
		for k, s := range sumTurns(turned) {
			s.put(values[k], rateMetric, s.rate())
		}
	}
	if !has(metrics, cpuMetric, "latency_p50", "latency_p99") {
		return nil
	}
	turned, err := g.MeasureTurns(ctx, rfc2544.Trial{Size: size, Load: r.Comparison.Light}, control.Turns)
	if err != nil {
		return err
	}
	for k, s := range sumTurns(turned) {
		s.put(values[k], cpuMetric, s.cpuPerFrame())
		if q := turned[k].LatencyQuiet; q != nil {
			s.put(values[k], "latency_p50", float64(q.P50))
			if q.N >= lab.EnoughForP99 {
				s.put(values[k], "latency_p99", float64(q.P99))
			}
		}
	}
	return nil
}

func has(metrics []result.Metric, names ...string) bool {
	return slices.ContainsFunc(metrics, func(m result.Metric) bool { return slices.Contains(names, m.Name) })
}

// sum is what a device showed in the turns that count.
type sum struct {
	turns    int
	received uint64
	sending  time.Duration
	cpu      float64 // ns
}

// put stores a value that was measured.
func (s sum) put(values map[string]float64, name string, v float64) {
	if s.turns > 0 && v > 0 {
		values[name] = v
	}
}

func (s sum) rate() float64 { return float64(s.received) / max(s.sending, 1).Seconds() }

func (s sum) cpuPerFrame() float64 { return s.cpu / float64(max(1, s.received)) }

// sumTurns adds up the turns of each device in rounds in which nothing disturbed any device: what
// is compared was then measured side by side.
func sumTurns(turned []lab.Turned) []sum {
	sums := make([]sum, len(turned))
	for i := range control.FewestTurns(turned) {
		if !control.AllClean(turned, i) {
			continue
		}
		for k := range turned {
			t := turned[k].Turns[i]
			s := &sums[k]
			s.turns++
			s.received += t.Received
			s.sending += t.Sending
			s.cpu += t.CPU * float64(t.Received)
		}
	}
	return sums
}
