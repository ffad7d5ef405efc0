package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Plan describes a comparison of devices that are measured in turns.
type Plan struct {
	Settings lab.Settings
	Devices  []dut.Device
	Names    []string // names in the results: the same device may occur twice
	Size     rfc2544.FrameSize
	Metrics  []string // names from Metrics
	Rounds   int
	Link     rfc2544.BitRate
	Shaped   bool          // keep loads below the link's speed
	Time     time.Duration // time limit; a round that would exceed it is not started; 0: no limit
	// Goodput measures the goodput of one TCP connection through a device, for the metric
	// stream_goodput.
	Goodput GoodputFunc
	// OnRound, if set, is called after each round.
	OnRound func()
	// OnTurn, if set, is called after each turn of a device.
	OnTurn func(round int, device string)
}

// GoodputFunc measures the goodput of one TCP connection in bit/s; ok is false if the machine
// disturbed the measurement.
type GoodputFunc = func(context.Context, dut.Device, lab.Settings) (bits float64, ok bool, err error)

// metric is a quantity that a comparison can measure.
type metric struct {
	name, unit string
	better     int
	asked      bool     // measured by default
	inTurns    bool     // can be measured with all devices up at once
	turn       turnFunc // for a device that is up alone; nil: measured by the previous metric's turn
}

// turnFunc measures a device that is running.
type turnFunc = func(t *turn, ctx context.Context) error

// StreamMetric is the goodput of one TCP connection; it has no frame size.
const StreamMetric = "stream_goodput"

// cpuMetric is skipped for devices that busy-wait.
const cpuMetric = "cpu_ns_per_frame"

// metrics lists all metrics in measurement order. Metrics with the same turn share its trials.
var metrics = []metric{
	{rateMetric, "fps", 1, true, true, (*turn).closedLoopTurn},
	{"forwarding_rate", "fps", 1, false, false, (*turn).overloadTurn},
	{cpuMetric, "ns", -1, true, true, (*turn).lightTurn},
	{"latency_p50", "ns", -1, true, true, nil},
	{"latency_p99", "ns", -1, false, true, nil},
	{allocMetric, "allocations", -1, false, false, (*turn).allocationsTurn},
	{"pdr", "fps", 1, false, false, (*turn).pdrTurn},
	{StreamMetric, "bit/s", 1, false, false, (*turn).streamTurn},
}

// onlyStreams reports whether no frames are needed.
func onlyStreams(metrics []result.Metric) bool {
	return !slices.ContainsFunc(metrics, func(m result.Metric) bool { return m.Name != StreamMetric })
}

// takesTurns reports whether a metric can be measured with all devices up at once.
func takesTurns(name string) bool {
	return slices.ContainsFunc(metrics, func(m metric) bool { return m.name == name && m.inTurns })
}

// Metrics returns the names of all metrics, and of those that are measured by default.
func Metrics() (all, usual []string) {
	for _, m := range metrics {
		all = append(all, m.name)
		if m.asked {
			usual = append(usual, m.name)
		}
	}
	return all, usual
}

// MetricOf returns the metric of that name without samples; ok is false if the name is unknown.
func MetricOf(name string) (m result.Metric, ok bool) {
	i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name })
	if i < 0 {
		return m, false
	}
	return result.Metric{Name: name, Unit: metrics[i].unit, Better: metrics[i].better}, true
}

// Run measures the devices in rounds. Each round measures every device once, in random order and
// freshly started. A device that fails again and again is left out, and the others are measured on. On
// error c keeps the rounds measured so far.
func Run(ctx context.Context, l Lab, p Plan, c *result.Comparison) error {
	p.Settings = p.Settings.For(p.Size)
	c.FrameSize, c.Direction = p.Size, p.Settings.Direction
	p.describe(c)
	for _, m := range metrics {
		if slices.Contains(p.Metrics, m.name) {
			c.Metrics = append(c.Metrics, result.Metric{
				Name: m.name, Unit: m.unit, Better: m.better, Samples: make([][]*float64, len(p.Devices)), Ratios: []result.Ratio{},
			})
		}
	}
	wire, err := l.Calibrate(ctx, p.Settings, p.Size)
	if err != nil {
		return err
	}
	p.Settings.Engine = wire.Engine
	if l.Shared() {
		c.Warnings = append(c.Warnings, result.SharedCores)
	}
	together, out, err := p.pilot(ctx, l, c)
	if err != nil {
		return err
	}
	if p, err = p.without(out, c); err != nil {
		return err
	}
	if len(c.Metrics) == 0 {
		return fmt.Errorf("%w: of these devices none of %q can be measured: %s", lab.ErrConfig, p.Metrics, strings.Join(c.Warnings, "; "))
	}
	invalid := InvalidTrials{}
	err = p.rounds(ctx, l, c, Round{Settings: p.Settings, Goodput: p.Goodput, Comparison: c, Invalid: &invalid, Together: together})
	c.Warnings = append(c.Warnings, invalid.Warnings()...)
	Judge(c, p.Settings.Seed)
	return err
}

// describe names the devices and says what kinds of tunnels they are.
func (p Plan) describe(c *result.Comparison) {
	c.Devices, c.Kinds, c.Seals = p.Names, nil, nil
	for _, d := range p.Devices {
		c.Kinds, c.Seals = append(c.Kinds, d.Kind), append(c.Seals, d.Seals)
	}
}

// InvalidTrials counts the trials that were repeated or left out.
type InvalidTrials struct {
	n    int
	last string

	teardowns int // devices that were not taken down cleanly
	teardown  error
}

// add counts the trial if it is invalid.
func (s *InvalidTrials) add(device string, o rfc2544.Observation) {
	if !o.Valid {
		s.n, s.last = s.n+1, device+": "+o.Invalid.String()
	}
}

// addTurns counts a trial in turns of which no turn was undisturbed for all devices.
func (s *InvalidTrials) addTurns() {
	s.n, s.last = s.n+1, "no turn of all devices was undisturbed: another program or the host took their cores"
}

// addTeardown counts a device that could not be taken down cleanly: what was measured of it stands.
func (s *InvalidTrials) addTeardown(err error) {
	if err != nil {
		s.teardowns, s.teardown = s.teardowns+1, err
	}
}

// Warnings returns what Trials and Teardowns say.
func (s *InvalidTrials) Warnings() []string { return append(s.Trials(), s.Teardowns()...) }

// Trials says how many trials were not valid, and why the last one was not; it is empty if all were.
func (s *InvalidTrials) Trials() []string {
	if s.n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d trials were not valid, and were repeated or left out; the last: %s", s.n, s.last)}
}

// Teardowns says how often a device was not taken down cleanly, and how the last one; it is empty if all
// were.
func (s *InvalidTrials) Teardowns() []string {
	if s.teardowns == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d times a device was not taken down cleanly; the last: %s", s.teardowns, oneLine(s.teardown))}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// addRound adds a complete round.
func addRound(c *result.Comparison, order []int, turns []map[string]float64) {
	c.Rounds++
	c.Order = append(c.Order, order)
	for i := range c.Metrics {
		m := &c.Metrics[i]
		for k := range turns {
			var sample *float64
			if v := turns[k][m.Name]; v > 0 && v != Silence { // there is no ratio to a device that forwards nothing
				sample = &v
			}
			m.Samples[k] = append(m.Samples[k], sample)
		}
	}
}
