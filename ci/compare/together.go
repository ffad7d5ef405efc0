package compare

import (
	"context"
	"math"
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

// Silence is the value of a latency, and of what a frame takes, of a device that forwards nothing, in
// time that nothing disturbed: the frame comes never. A rate is 0 then.
var Silence = math.Inf(1)

// Round measures every device once. Where a metric allows it, all devices are up at once and are
// measured in turns of one trial. All other metrics are measured device by device, each freshly
// brought up. A device that fails has no values; the others keep theirs.
type Round struct {
	Settings   lab.Settings
	Goodput    GoodputFunc
	Comparison *result.Comparison // supplies the metrics, the frame size and the loads
	Invalid    *InvalidTrials     // the round's invalid trials are added here
	Together   bool               // the devices can be up at once
	OnTurn     func(k int)        // called when device k has been measured; may be nil
}

// Measure returns for each device the values by metric, without those that could not be measured (for
// a device that forwards nothing see Silence), and the error that kept it from being measured. The devices come in the order of measuring.
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
		side := sideBySide{Round: r, devices: devices, values: values, errs: errs}
		if err := side.measure(ctx, l, together); err != nil {
			side.blame(err)
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

// sideBySide is the part of a round in which all devices are up at once.
type sideBySide struct {
	Round
	devices []dut.Device
	values  []map[string]float64 // by device
	errs    []error              // by device
	up      []int                // the devices that are up
}

// blame stores an error of the lab as everybody's.
func (s *sideBySide) blame(err error) {
	for k := range s.errs {
		s.fail(k, err)
	}
}

// fail stores a device's error. What was measured of it does not count.
func (s *sideBySide) fail(k int, err error) {
	if s.errs[k] == nil {
		s.errs[k] = err
	}
	clear(s.values[k])
}

// measure measures metrics in turns.
func (s *sideBySide) measure(ctx context.Context, l Lab, metrics []result.Metric) (err error) {
	g, all, err := gather(ctx, l, s.devices, s.Settings, s.Comparison.FrameSize)
	if err != nil {
		return err
	}
	s.up = all.up
	for k, err := range all.errs {
		if err != nil {
			s.fail(k, err)
		}
	}
	if len(s.up) == 0 {
		return nil
	}
	defer func() { s.Invalid.addTeardown(g.Close()) }()
	size := s.Comparison.FrameSize
	if has(metrics, rateMetric) {
		_, sums, err := s.turns(ctx, g, control.ClosedLoop(size))
		if err != nil {
			return err
		}
		for i, sum := range sums {
			if sum.turns > 0 {
				s.values[s.up[i]][rateMetric] = sum.rate()
			}
		}
	}
	if !has(metrics, cpuMetric, "latency_p50", "latency_p99") {
		return nil
	}
	turned, sums, err := s.turns(ctx, g, rfc2544.Trial{Size: size, Load: s.Comparison.Light})
	if err != nil {
		return err
	}
	for i, sum := range sums {
		s.takeLight(s.values[s.up[i]], sum, turned[i].LatencyQuiet)
	}
	return nil
}

// turns measures the devices that are up in turns of a trial. If none of the turns is undisturbed, the
// trial is repeated.
func (s *sideBySide) turns(ctx context.Context, g control.Group, t rfc2544.Trial) (turned []lab.Turned, sums []sum, err error) {
	for range rfc2544.DefaultRetries {
		if turned, err = g.MeasureTurns(ctx, t, control.Turns); err != nil {
			return nil, nil, err
		}
		for i := range turned {
			if died := turned[i].Died; died != nil {
				s.fail(s.up[i], died)
			}
		}
		sums = sumTurns(turned)
		if slices.ContainsFunc(sums, func(s sum) bool { return s.turns > 0 }) {
			break
		}
		s.Invalid.addTurns()
	}
	return turned, sums, nil
}

// takeLight takes the values of a light load.
func (sideBySide) takeLight(values map[string]float64, of sum, quiet *rfc2544.Distribution) {
	if of.silent() {
		putSilence(values)
		return
	}
	if of.turns == 0 {
		return
	}
	if cpu := of.cpuPerFrame(); cpu > 0 {
		values[cpuMetric] = cpu
	}
	putLatency(values, quiet)
}

// putSilence stores what a device shows that forwards nothing of a light load.
func putSilence(values map[string]float64) {
	for _, name := range []string{cpuMetric, "latency_p50", "latency_p99"} {
		values[name] = Silence
	}
}

// putLatency stores latencies, as far as there are enough for them.
func putLatency(values map[string]float64, quiet *rfc2544.Distribution) {
	if quiet == nil {
		return
	}
	if quiet.P50 > 0 {
		values["latency_p50"] = float64(quiet.P50)
	}
	if quiet.N >= lab.EnoughForP99 && quiet.P99 > 0 {
		values["latency_p99"] = float64(quiet.P99)
	}
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

// silent reports whether the device forwarded nothing in the turns that count.
func (s sum) silent() bool { return s.turns > 0 && s.received == 0 }

func (s sum) rate() float64 { return float64(s.received) / max(s.sending, 1).Seconds() }

func (s sum) cpuPerFrame() float64 { return s.cpu / float64(max(1, s.received)) }

// sumTurns adds up the turns of each device in rounds in which nothing disturbed any device: what
// is compared was then measured side by side. A device that died has none.
func sumTurns(turned []lab.Turned) []sum {
	sums := make([]sum, len(turned))
	for i := range control.FewestTurns(turned) {
		if !control.AllClean(turned, i) {
			continue
		}
		for k := range turned {
			if turned[k].Died != nil {
				continue
			}
			t := turned[k].Turns[i]
			s := &sums[k]
			s.turns++
			s.sending += t.Sending
			if turned[k].OneWay { // half a tunnel is none, however fast the other half
				continue
			}
			s.received += t.Received
			s.cpu += t.CPU * float64(t.Received)
		}
	}
	return sums
}
