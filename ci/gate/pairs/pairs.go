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

// Plan is a gate's measurement: two sides of the same device, each in several builds of
// one source, so that no accident of a binary's layout is taken for the change.
type Plan struct {
	Settings   lab.Settings
	Base, Head []dut.Device // as many builds as each has
	Link       rfc2544.BitRate
	Shaped     bool                // loads stay below the link's speed
	Goodput    compare.GoodputFunc // as in a compare.Plan
}

// Sides are the sets that pairs are added to.
type Sides struct{ Base, Head *gate.Set }

// Pairs measures pairs of turns.
type Pairs struct {
	lab    compare.Lab
	plan   Plan
	groups []result.Comparison // what is measured together: the metrics of one frame size
	base   *gate.Set
	head   *gate.Set
}

// Open finds the loads that all turns are offered, by the base, and writes
// them and the metrics that can be measured into both sets. metrics are the wanted ones.
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

// openGroup is the pilot for one frame size.
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

// setMetric is a metric as sets have it: a stream's has no frame size.
func setMetric(m result.Metric, size rfc2544.FrameSize) gate.SetMetric {
	if m.Name == compare.StreamMetric {
		size = 0
	}
	return gate.SetMetric{Name: m.Name, Unit: m.Unit, Better: m.Better, FrameSize: size}
}

// grouped are the metrics by frame size, the smallest first; a stream's goes with the largest.
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

// Measure adds one pair to both sets: which side comes first is drawn by lot, and
// which builds meet follows from the pair's number. A device that dies is part of what
// was measured; the error is the lab's own, and then the sets are as they were.
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

// turn measures one side: each frame size in a fresh network, with fresh processes.
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
