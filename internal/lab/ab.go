package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// ComparePlan is a comparison of devices, measured in turns.
type ComparePlan struct {
	Devices []dut.Device
	Names   []string // as results call them: the same device may come twice
	Size    rfc2544.FrameSize
	Metrics []string // of CompareMetrics
	Rounds  int
	Time    time.Duration // begin no round that would end later; 0: no limit
	// OnTurn, if set, hears when a device had its turn.
	OnTurn func(round int, device string)
}

// compareMetric is a number that a comparison can be about.
type compareMetric struct {
	name, unit string
	better     int
	asked      bool     // measured unless others are named
	turn       turnFunc // nil: the one before yields it too
}

// turnFunc measures a device that is up, in its turn.
type turnFunc = func(b *Bench, ctx context.Context, c *reports.Comparison) (map[string]float64, error)

// compareMetrics are measured in this order; those with the same turn share it.
var compareMetrics = []compareMetric{
	{"forwarding_rate", "fps", 1, true, (*Bench).overloadTurn},
	{"cpu_ns_per_frame", "ns", -1, true, (*Bench).lightTurn},
	{"latency_p50", "ns", -1, true, nil},
	{"latency_p99", "ns", -1, false, nil},
	{"pdr", "fps", 1, false, (*Bench).pdrTurn},
	{"stream_goodput", "bit/s", 1, false, (*Bench).streamTurn},
}

// CompareMetrics are the names of all, and of those that are measured unless
// others are asked for.
func CompareMetrics() (all, usual []string) {
	for _, m := range compareMetrics {
		all = append(all, m.name)
		if m.asked {
			usual = append(usual, m.name)
		}
	}
	return all, usual
}

// Compare measures the devices in turns: in each round every device once, in
// random order, freshly brought up. What was measured is in c whatever happens.
func (l *Lab) Compare(ctx context.Context, p ComparePlan, c *reports.Comparison) error {
	c.Devices, c.FrameSize, c.Direction = p.Names, p.Size, l.cfg.Direction
	for _, m := range compareMetrics {
		if slices.Contains(p.Metrics, m.name) {
			c.Metrics = append(c.Metrics, reports.Metric{
				Name: m.name, Unit: m.unit, Better: m.better, Samples: make([][]*float64, len(p.Devices)), Ratios: []reports.Ratio{},
			})
		}
	}
	if _, err := l.Calibrate(ctx, p.Size); err != nil {
		return err
	}
	if err := l.pilot(ctx, p, c); err != nil {
		return err
	}
	err := l.compareRounds(ctx, p, c)
	c.Judge(l.cfg.Seed)
	return err
}

// pilot decides the loads: the same for all devices. Under overload the fastest
// has to lose frames; at the light load the slowest has half of its work.
func (l *Lab) pilot(ctx context.Context, p ComparePlan, c *reports.Comparison) error {
	const overload = 1.5
	slowest, fastest, ceiling := rfc2544.Flood, rfc2544.Rate(0), rfc2544.Flood
	for i, d := range p.Devices {
		b, err := l.Bench(ctx, d, p.Size)
		if err != nil {
			return err
		}
		most, forwards, err := b.explore(ctx, p.Size)
		if err = errors.Join(err, b.Close()); err != nil {
			return err
		}
		if forwards == 0 {
			return fmt.Errorf("%w: %s forwarded nothing", ErrDied, p.Names[i])
		}
		slowest, fastest, ceiling = min(slowest, forwards), max(fastest, forwards), min(ceiling, most)
	}
	c.Overload, c.Light = rounded(min(overload*fastest, ceiling)), rounded(slowest/2)
	if c.Overload < 1.1*fastest {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the tester offers %v at most, which is hardly more than the fastest device forwards: a forwarding rate may be the tester's", c.Overload))
	}
	return nil
}

// rounded is a load that reads well, and is the same when the pilot was only
// a little different.
func rounded(r rfc2544.Rate) rfc2544.Rate {
	for _, step := range []rfc2544.Rate{10e3, 1e3, 100} {
		if r > 10*step {
			return rfc2544.Rate(int64(r/step)) * step
		}
	}
	return max(1, rfc2544.Rate(int64(r)))
}

// maxDeaths is how often a device may die before the comparison ends.
const maxDeaths = 3

func (l *Lab) compareRounds(ctx context.Context, p ComparePlan, c *reports.Comparison) error {
	random := rand.New(rand.NewPCG(l.cfg.Seed, uint64(p.Rounds)))
	fewest := rfc2544.FewestPairs(c.EachConfidence())
	start, longest, deaths := time.Now(), time.Duration(0), 0
	for round := range p.Rounds {
		begun := time.Now()
		if p.Time > 0 && round >= fewest && begun.Sub(start)+longest > p.Time {
			c.Warnings = append(c.Warnings, fmt.Sprintf("ended after %d of %d rounds: another would not fit into %v", round, p.Rounds, p.Time))
			break
		}
		order := random.Perm(len(p.Devices))
		turns := make([]map[string]float64, len(p.Devices))
		for _, k := range order {
			seen, err := l.turn(ctx, p.Devices[k], p, c)
			if ctx.Err() != nil {
				return ctx.Err() // half a round compares nothing
			}
			if err != nil {
				c.Warnings = append(c.Warnings, fmt.Sprintf("round %d: %v", round+1, err))
				if deaths++; deaths == maxDeaths || !errors.Is(err, ErrDied) && round == 0 {
					return err
				}
			}
			turns[k] = seen
			if p.OnTurn != nil {
				p.OnTurn(round, p.Names[k])
			}
		}
		book(c, order, turns)
		longest = max(longest, time.Since(begun))
	}
	return nil
}

// book adds a whole round.
func book(c *reports.Comparison, order []int, turns []map[string]float64) {
	c.Rounds++
	c.Order = append(c.Order, order)
	for i := range c.Metrics {
		m := &c.Metrics[i]
		for k, seen := range turns {
			var sample *float64
			if v, ok := seen[m.Name]; ok && v > 0 {
				sample = &v
			}
			m.Samples[k] = append(m.Samples[k], sample)
		}
	}
}

// turn brings a device up, measures it and takes it down.
func (l *Lab) turn(ctx context.Context, d dut.Device, p ComparePlan, c *reports.Comparison) (seen map[string]float64, err error) {
	b, err := l.Bench(ctx, d, p.Size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	seen = map[string]float64{}
	turns := turnsFor(p.Metrics)
	for _, measure := range turns {
		values, err := measure(b, ctx, c)
		if err != nil {
			return seen, err
		}
		for name, v := range values {
			seen[name] = v
		}
	}
	return seen, nil
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

// valid repeats a trial until it is valid; ok is false when none was.
func (b *Bench) valid(ctx context.Context, t rfc2544.Trial) (o rfc2544.Observation, r run, ok bool, err error) {
	for range 1 + rfc2544.DefaultRetries {
		if o, r, err = b.measure(ctx, t); err != nil || o.Valid {
			break
		}
	}
	return o, r, o.Valid, err
}

// overloadTurn is RFC 2285's forwarding rate at a load that nobody can carry:
// frames that came, late ones too, over the time in which they came.
func (b *Bench) overloadTurn(ctx context.Context, c *reports.Comparison) (map[string]float64, error) {
	_, r, ok, err := b.valid(ctx, rfc2544.Trial{Size: c.FrameSize, Load: c.Overload, Duration: compareTrial})
	if err != nil || !ok {
		return nil, err
	}
	return map[string]float64{"forwarding_rate": float64(r.slowestStream())}, nil
}

// lightTurn is latency and CPU at half of the slowest device's rate.
func (b *Bench) lightTurn(ctx context.Context, c *reports.Comparison) (map[string]float64, error) {
	o, _, ok, err := b.valid(ctx, rfc2544.Trial{Size: c.FrameSize, Load: c.Light, Duration: compareTrial})
	if err != nil || !ok {
		return nil, err
	}
	values := map[string]float64{}
	if o.CPUPerFrame != nil {
		values["cpu_ns_per_frame"] = *o.CPUPerFrame
	}
	if o.LatencyQuiet != nil {
		values["latency_p50"], values["latency_p99"] = float64(o.LatencyQuiet.P50), float64(o.LatencyQuiet.P99)
	}
	return values, nil
}

// pdrTurn is a short search.
func (b *Bench) pdrTurn(ctx context.Context, c *reports.Comparison) (map[string]float64, error) {
	ceiling, hint, err := b.explore(ctx, c.FrameSize)
	if err != nil {
		return nil, err
	}
	quick := Profiles()[0]
	top := max(ceiling, 2*minRate)
	o, err := rfc2544.RunRate(ctx, b, rfc2544.SearchConfig{
		Goals: quick.Goals, Size: c.FrameSize, Min: minRate, Max: top, Hint: min(max(hint, minRate), top), Limit: quick.Limit,
	})
	if err != nil || !o.Valid {
		return nil, err
	}
	return map[string]float64{"pdr": float64(lastRate(o, quick.Goals))}, nil
}

// streamTurn is the goodput of one TCP connection, in a network of its own with
// hosts at its ends.
func (b *Bench) streamTurn(ctx context.Context, _ *reports.Comparison) (map[string]float64, error) {
	h, err := b.lab.Hosts(ctx, b.device)
	if err != nil {
		return nil, err
	}
	s, err := h.measureCalm(ctx, h.Plan(loadgen.StreamBulk))
	if err = errors.Join(err, h.Close()); err != nil || s.disturbed {
		return nil, err
	}
	values := map[string]float64{}
	for _, v := range s.Values {
		if v.Name == "stream_goodput" {
			values[v.Name] = v.Value
		}
	}
	return values, nil
}
