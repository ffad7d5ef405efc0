package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Profile says how thoroughly a run measures.
type Profile struct {
	Name    string
	Goals   []rfc2544.Goal
	Latency time.Duration // of one latency trial
	Repeats int           // of it, at each load
}

// Profiles are those that a user may name. quick is what a run of minutes can
// afford; ndrpdr searches two rates as CSIT does.
func Profiles() []Profile {
	return []Profile{
		{Name: "quick", Goals: presets("quick"), Latency: 500 * time.Millisecond, Repeats: 3},
		{Name: "ndrpdr", Goals: presets("ndr", "pdr"), Latency: 2500 * time.Millisecond, Repeats: 3},
	}
}

// presets are goals that are part of the program and so always parse.
func presets(names ...string) []rfc2544.Goal {
	goals := make([]rfc2544.Goal, len(names))
	for i, name := range names {
		goal, err := rfc2544.Preset(name)
		if err != nil {
			panic(err)
		}
		goals[i] = goal
	}
	return goals
}

// Plan is what a run measures.
type Plan struct {
	Devices []dut.Device
	Sizes   []rfc2544.FrameSize
	Profile Profile
	Link    rfc2544.BitRate // nominal
	Shaped  bool            // loads stay below the link's speed
	// OnResult, if set, hears of every result when it is there.
	OnResult func(*reports.Results, reports.Result)
}

// minRate is where a search begins: a load any tunnel carries.
const minRate rfc2544.Rate = 1000

// Run measures every device at every size. What was measured is in the results
// whatever happens; the error is for the run as a whole.
func (l *Lab) Run(ctx context.Context, p Plan, r *reports.Results) error {
	for _, size := range p.Sizes {
		c, err := l.Calibrate(ctx, size)
		if err != nil {
			return err
		}
		r.Calibration = append(r.Calibration, c.report(size))
		for _, doubt := range c.Doubts {
			if !slices.Contains(r.Host.Notes, doubt) {
				r.Host.Notes = append(r.Host.Notes, doubt)
			}
		}
	}
	for _, d := range p.Devices {
		if err := l.runDevice(ctx, d, p, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *Calibration) report(size rfc2544.FrameSize) reports.Calibration {
	out := reports.Calibration{FrameSize: size, MOL: &c.MOL}
	if c.Latency != nil {
		out.WireP50 = &c.Latency.P50
	}
	return out
}

// runDevice measures one device; what goes wrong with it costs its own results
// only, and is an error just when the run cannot go on.
func (l *Lab) runDevice(ctx context.Context, d dut.Device, p Plan, r *reports.Results) (err error) {
	book := func(res reports.Result) {
		r.Results = append(r.Results, res)
		if p.OnResult != nil {
			p.OnResult(r, res)
		}
	}
	b, err := l.Bench(ctx, d, slices.Max(p.Sizes))
	if err != nil {
		for _, size := range p.Sizes {
			book(failed(blank(d, rfc2544.TestRate, size), err))
		}
		return ctx.Err()
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, size := range p.Sizes {
		if err := b.session.Alive(); err != nil {
			book(failed(blank(d, rfc2544.TestRate, size), err))
			continue
		}
		for _, res := range b.runSize(ctx, size, p) {
			book(res)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func blank(d dut.Device, test string, size rfc2544.FrameSize) reports.Result {
	return reports.Result{DUT: d.Spec, Kind: d.Kind, Test: test, FrameSize: size, Direction: "forward"}
}

// failed is a result that says why there is none.
func failed(res reports.Result, err error) reports.Result {
	res.Valid = false
	if errors.Is(err, errors.ErrUnsupported) {
		res.Unsupported = err.Error()
	} else {
		res.Error = err.Error()
	}
	return res
}

// runSize measures the rate and then, at half of it, the latency.
func (b *Bench) runSize(ctx context.Context, size rfc2544.FrameSize, p Plan) []reports.Result {
	rate := blank(b.device, rfc2544.TestRate, size)
	ceiling, err := b.ceiling(ctx, size)
	if err != nil {
		return []reports.Result{failed(rate, err)}
	}
	top := ceiling
	if p.Shaped {
		top = min(top, p.Link.MaxFrameRate(size))
	}
	outcome, err := rfc2544.RunRate(ctx, b, size, p.Profile.Goals, minRate, max(top, 2*minRate))
	fill(&rate, outcome, err)
	rate.LimitedBy = limit(b.device, outcome, top < ceiling)
	found := lastRate(outcome, p.Profile.Goals)
	if err != nil || found == 0 {
		return []reports.Result{rate}
	}
	latency := blank(b.device, rfc2544.TestLatency, size)
	outcome, err = rfc2544.RunLatency(ctx, b, size, found, p.Profile.Latency, p.Profile.Repeats)
	fill(&latency, outcome, err)
	if !latency.Valid && err == nil {
		latency.LimitedBy = reports.LimitedByMachine
	}
	return []reports.Result{rate, latency}
}

func fill(res *reports.Result, o rfc2544.Outcome, err error) {
	res.Valid, res.Values, res.Warnings, res.Trials = o.Valid, o.Values, o.Warnings, o.Trials
	if err != nil {
		*res = failed(*res, err)
	}
}

// ceiling is a load that the tester can pace into this device; the device's
// work on the tester's core makes it lower than on the bare wire. It begins
// with a flood, which also warms everything up, and goes down until a paced
// trial is whole.
func (b *Bench) ceiling(ctx context.Context, size rfc2544.FrameSize) (rfc2544.Rate, error) {
	const (
		duration = 200 * time.Millisecond
		headroom = 0.85 // for bursts that a stall left behind to be caught up with
		tries    = 5
	)
	p := b.plan(rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: duration})
	p.Batch = loadgen.PacedBatch
	for range tries {
		r, err := b.execute(ctx, p)
		if err != nil {
			return 0, fmt.Errorf("find the ceiling: %w", err)
		}
		s := r.ledger.Streams[0]
		if !p.Rate.IsFlood() && s.Offered == s.Intended {
			break
		}
		sent := float64(s.Offered) / (r.ledger.Duration + r.ledger.Paused).Seconds()
		p = b.plan(rfc2544.Trial{Size: size, Load: rfc2544.Rate(headroom * sent), Duration: duration})
	}
	return p.Rate, nil
}

// lastRate is the lower bound of the last goal, from which latency takes its load.
func lastRate(o rfc2544.Outcome, goals []rfc2544.Goal) rfc2544.Rate {
	for _, v := range o.Values {
		if v.Name == goals[len(goals)-1].Name {
			return rfc2544.Rate(v.Value)
		}
	}
	return 0
}

// limit says what kept a rate from being higher.
func limit(d dut.Device, o rfc2544.Outcome, shaped bool) string {
	switch {
	case len(o.Values) == 0, !o.Valid:
		return reports.LimitedByMachine
	case d.Up == nil:
		return reports.LimitedByTester
	case o.Values[0].Upper != nil:
		return reports.LimitedByDUT
	case shaped:
		return reports.LimitedByLink
	}
	return reports.LimitedByTester
}
