package pairs

import (
	"context"
	"errors"
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
	groups []group
	base   *gate.Set
	head   *gate.Set
}

// group is the metrics of one frame size.
type group struct {
	result.Comparison
	together bool // both sides can be up at once
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

// BaseError says that the base does not work here, before any pair: there is nothing to hold the head
// against.
type BaseError struct{ Err error }

func (e BaseError) Error() string { return "the base does not work here: " + e.Err.Error() }
func (e BaseError) Unwrap() error { return e.Err }

// Silent reports whether the base comes up and forwards nothing; else it does not come up, or dies.
func (e BaseError) Silent() bool { return errors.Is(e.Err, compare.ErrSilent) }

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
	together, err := compare.Pilot(ctx, p.lab, pilot, &c)
	if lab.DeviceFailed(err) && ctx.Err() == nil {
		return BaseError{err}
	}
	if err != nil {
		return err
	}
	for _, set := range []*gate.Set{p.base, p.head} {
		set.Host.Notes = append(set.Host.Notes, c.Warnings...)
		set.Loads = append(set.Loads, gate.Load{FrameSize: c.FrameSize, Overload: c.Overload, Light: c.Light})
		for _, m := range c.Metrics {
			set.Metrics = append(set.Metrics, setMetric(m, c.FrameSize))
		}
	}
	p.groups = append(p.groups, group{c, together})
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
	devices, turns := []dut.Device{p.plan.Base[b.Build], p.plan.Head[h.Build]}, []*gate.Turn{&b, &h}
	if rand.New(rand.NewPCG(p.base.Seed, uint64(series)<<32|uint64(pair))).IntN(2) == 1 {
		b.Place, h.Place = h.Place, b.Place
		slices.Reverse(devices)
		slices.Reverse(turns)
	}
	for _, g := range p.groups {
		if err := p.measure(ctx, g, devices, turns, metrics); err != nil {
			return err
		}
	}
	p.base.Turns, p.head.Turns = append(p.base.Turns, b), append(p.head.Turns, h)
	return nil
}

// measure measures both sides at one frame size, in new networks and with new processes.
func (p *Pairs) measure(ctx context.Context, g group, devices []dut.Device, turns []*gate.Turn, metrics []string) error {
	c := g.Comparison
	c.Metrics = slices.DeleteFunc(slices.Clone(c.Metrics), func(m result.Metric) bool { return !slices.Contains(metrics, setMetric(m, c.FrameSize).ID()) })
	if len(c.Metrics) == 0 {
		return nil
	}
	c.Warnings = nil
	invalid := compare.InvalidTrials{}
	round := compare.Round{Settings: p.plan.Settings, Goodput: p.plan.Goodput, Comparison: &c, Invalid: &invalid, Together: g.together}
	values, errs := round.Measure(ctx, p.lab, devices)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for k, t := range turns {
		if errs[k] != nil && !lab.DeviceFailed(errs[k]) {
			return errs[k]
		}
		if errs[k] != nil {
			t.Died = strings.ReplaceAll(errs[k].Error(), "\n", "; ")
		}
		t.Doubts, t.Teardowns = append(t.Doubts, invalid.Trials()...), append(t.Teardowns, invalid.Teardowns()...)
		for _, m := range c.Metrics {
			id := setMetric(m, c.FrameSize).ID()
			t.Values[id] = nil
			switch v, measured := values[k][m.Name]; {
			case !measured || errs[k] != nil:
			case v == compare.Silence:
				t.Silent = append(t.Silent, id)
			default:
				t.Values[id] = &v
			}
		}
	}
	return nil
}
