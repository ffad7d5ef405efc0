package pairs

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Plan describes the measurement of a gate: two sides of the same device, each built several times
// in different layouts, so that a layout effect is not taken for the change.
type Plan struct {
	Settings   lab.Settings
	Base, Head []dut.Device // one device per build
	Link       rfc2544.BitRate
	Shaped     bool                // keep loads below the link's speed
	Goodput    compare.GoodputFunc // see compare.Plan
}

// Sides are the two sets to which pairs are added.
type Sides struct{ Base, Head *gate.Set }

// Pairs measures pairs: one turn of each side.
type Pairs struct {
	lab    compare.Lab
	plan   Plan
	groups []result.Comparison // metrics that are measured together: those of one frame size
	base   *gate.Set
	head   *gate.Set
}

// Open measures the base to choose the loads for all turns. It writes the loads and the measurable
// ones of the wanted metrics into both sets.
func Open(ctx context.Context, l compare.Lab, plan Plan, metrics []gate.SetMetric, sides Sides) (*Pairs, error) {
	plan.Settings = plan.Settings.Resolved()
	p := &Pairs{lab: l, plan: plan, base: sides.Base, head: sides.Head}
	groups, err := grouped(metrics)
	if err != nil {
		return nil, err
	}
	for _, c := range groups {
		if err := p.openGroup(ctx, c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// openGroup chooses the loads for one frame size.
func (p *Pairs) openGroup(ctx context.Context, c result.Comparison) error {
	c.Direction = p.plan.Settings.Direction
	wire, err := p.lab.Calibrate(ctx, p.plan.Settings, c.FrameSize)
	if err != nil {
		return err
	}
	p.plan.Settings.Engine = wire.Engine
	device := p.plan.Base[0]
	pilot := compare.Plan{Settings: p.plan.Settings, Devices: []dut.Device{device}, Names: []string{device.Spec}, Size: c.FrameSize, Link: p.plan.Link, Shaped: p.plan.Shaped}
	if err := compare.Pilot(ctx, p.lab, pilot, &c); err != nil {
		return err
	}
	for _, set := range []*gate.Set{p.base, p.head} {
		set.Host.Notes = append(set.Host.Notes, c.Warnings...)
		set.Loads = append(set.Loads, gate.Load{FrameSize: c.FrameSize, Overload: c.Overload, Light: c.Light})
		for _, m := range c.Metrics {
			set.Metrics = append(set.Metrics, setMetric(m, c.FrameSize))
		}
	}
	p.groups = append(p.groups, c)
	return nil
}

// setMetric converts a metric into the form that sets use. A metric of TCP streams has no frame
// size.
func setMetric(m result.Metric, size rfc2544.FrameSize) gate.SetMetric {
	if m.Name == compare.StreamMetric {
		size = 0
	}
	return gate.SetMetric{Name: m.Name, Unit: m.Unit, Better: m.Better, FrameSize: size}
}

// grouped groups the metrics by frame size, the smallest first. A metric of TCP streams joins the
// largest size.
func grouped(metrics []gate.SetMetric) (groups []result.Comparison, err error) {
	bySize := map[rfc2544.FrameSize][]result.Metric{}
	var stream []result.Metric
	for _, m := range metrics {
		metric, ok := compare.MetricOf(m.Name)
		if !ok {
			return nil, fmt.Errorf("%w: there is no metric %q", lab.ErrConfig, m.Name)
		}
		if m.Name == compare.StreamMetric {
			stream = append(stream, metric)
			continue
		}
		bySize[m.FrameSize] = append(bySize[m.FrameSize], metric)
	}
	sizes := slices.Sorted(maps.Keys(bySize))
	if len(sizes) == 0 {
		sizes = []rfc2544.FrameSize{1518}
	}
	bySize[sizes[len(sizes)-1]] = append(bySize[sizes[len(sizes)-1]], stream...)
	for _, size := range sizes {
		groups = append(groups, result.Comparison{FrameSize: size, Metrics: bySize[size]})
	}
	return groups, nil
}

// Measure adds one pair to both sets. A random draw decides which side comes first, and the pair's
// number selects the builds. The death of a device is recorded in the set. An error means that the
// lab failed; then both sets are unchanged.
func (p *Pairs) Measure(ctx context.Context, series, pair int, metrics []string) error {
	b := gate.Turn{Series: series, Pair: pair, Place: 1, Build: (pair - 1) % len(p.plan.Base), Values: map[string]*float64{}}
	h := gate.Turn{Series: series, Pair: pair, Place: 2, Build: (pair - 1) / len(p.plan.Base) % len(p.plan.Head), Values: map[string]*float64{}}
	turns := []func() error{
		func() error { return p.turn(ctx, p.plan.Base[b.Build], &b, metrics) },
		func() error { return p.turn(ctx, p.plan.Head[h.Build], &h, metrics) },
	}
	if rand.New(rand.NewPCG(p.base.Seed, uint64(series)<<32|uint64(pair))).IntN(2) == 1 {
		b.Place, h.Place = h.Place, b.Place
		slices.Reverse(turns)
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return err
		}
	}
	p.base.Turns, p.head.Turns = append(p.base.Turns, b), append(p.head.Turns, h)
	return nil
}

// turn measures one side, in a new network and with new processes for each frame size.
func (p *Pairs) turn(ctx context.Context, d dut.Device, t *gate.Turn, metrics []string) error {
	for _, c := range p.groups {
		size := c.FrameSize
		c.Metrics = slices.Clone(c.Metrics)
		c.Metrics = slices.DeleteFunc(c.Metrics, func(m result.Metric) bool { return !slices.Contains(metrics, setMetric(m, size).ID()) })
		if len(c.Metrics) == 0 {
			continue
		}
		c.Warnings = nil
		invalid := compare.InvalidTrials{}
		turn := compare.Turn{Settings: p.plan.Settings, Goodput: p.plan.Goodput, Comparison: &c, Invalid: &invalid}
		values, err := turn.Measure(ctx, p.lab, d)
		t.Doubts = append(append(t.Doubts, c.Warnings...), invalid.Warnings()...)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !lab.DeviceFailed(err) {
			return err
		}
		if err != nil {
			t.Died = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		for _, m := range c.Metrics {
			t.Values[setMetric(m, size).ID()] = nil
			if v := values[m.Name]; v > 0 && err == nil {
				t.Values[setMetric(m, size).ID()] = &v
			}
		}
	}
	return nil
}
