package suite

import (
	"context"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// cell is a device at a frame size, over all rounds.
type cell struct {
	device  dut.Device
	size    rfc2544.FrameSize
	rates   []rfc2544.Outcome
	shaped  bool // the link's speed limited the load
	latency *result.Result
	failed  error
	added   bool
}

func cellsOf(p Plan) (cells []*cell) {
	for _, d := range p.Devices {
		for _, size := range p.Sizes {
			cells = append(cells, &cell{device: d, size: size})
		}
	}
	return cells
}

// run is a run in rounds.
type run struct {
	plan    Plan
	results *result.Results
	parties parties
	cells   []*cell
	beside  beside
}

// all runs every round. If the run ends early, it adds the results of what was measured.
func (r run) all(ctx context.Context) error {
	defer func() {
		for _, c := range r.cells {
			r.add(c)
		}
		r.beside.add(r.results, r.parties.alone)
	}()
	rounds := r.plan.Profile.rounds(len(r.cells))
	for round := range rounds {
		last := round == rounds-1
		devices := slices.DeleteFunc(slices.Clone(r.plan.Devices), r.failed)
		err := r.parties.each(ctx, devices, func(p party) error { return r.round(ctx, p, last) }, r.fail)
		if err != nil {
			return err
		}
	}
	return nil
}

// failed reports whether nothing of a device can be measured any more.
func (r run) failed(d dut.Device) bool {
	return !slices.ContainsFunc(r.cells, func(c *cell) bool { return c.device.Spec == d.Spec && c.failed == nil })
}

// fail is called for a device that did not come up.
func (r run) fail(d dut.Device, err error) {
	for _, c := range r.cells {
		if c.device.Spec == d.Spec && c.failed == nil {
			c.failed = err
			r.add(c)
		}
	}
}

// round measures the devices of a party in turns, each at every frame size once, and its latency in
// the last round. In between they are measured beside the control.
func (r run) round(ctx context.Context, p party, last bool) error {
	r.beside.begin()
	err := p.inTurns(ctx, func(cycle int) error { return r.beside.between(ctx, p, cycle) }, func(ctx context.Context, d dut.Device, b Setup) {
		defer r.plan.step(d.Spec, "", 0)
		for _, c := range r.cells {
			if c.device.Spec == d.Spec && c.failed == nil && ctx.Err() == nil {
				r.measure(ctx, c, b, last)
			}
		}
	})
	if err == nil {
		err = r.beside.end(ctx, p)
	}
	return err
}

// measure measures a cell. A failure of the device affects its own results only.
func (r run) measure(ctx context.Context, c *cell, b Setup, last bool) {
	c.failed = b.Alive()
	if c.failed == nil {
		c.failed = c.measure(ctx, b, r.plan, last)
	}
	if ctx.Err() != nil {
		c.failed = nil // the run ended, the device did not fail
		return
	}
	if c.failed != nil || last {
		r.add(c)
	} else if r.plan.OnPart != nil {
		r.plan.OnPart(r.soFar())
	}
}

// soFar returns the results with those of the rounds that have ended.
func (r run) soFar() *result.Results {
	part := *r.results
	part.Results = slices.Clone(part.Results)
	quiet := r.plan
	quiet.OnResult, quiet.OnPart = nil, nil
	for _, c := range r.cells {
		copied := *c
		run{plan: quiet, results: &part}.add(&copied)
	}
	return &part
}

// add adds the result of a cell to the results, once.
func (r run) add(c *cell) {
	if c.added || len(c.rates) == 0 && c.failed == nil {
		return
	}
	c.added = true
	rate := lab.NewResult(r.plan.Settings, c.device, rfc2544.NameRate, c.size)
	if len(c.rates) > 0 {
		outcome := rfc2544.Merge(c.rates)
		for i := range outcome.Values {
			outcome.Values[i].Rounds = len(c.rates)
		}
		fill(&rate, outcome)
		rate.LimitedBy = limit(c.device, outcome, c.shaped)
	}
	if c.failed != nil {
		rate = lab.FailedResult(rate, c.failed)
	}
	r.plan.add(r.results, rate)
	if c.latency != nil {
		r.plan.add(r.results, *c.latency)
	}
}

// measure searches the rate. In the last round it also measures the latency at half of the median
// rate of all rounds.
func (c *cell) measure(ctx context.Context, b Setup, p Plan, last bool) error {
	p.step(c.device.Spec, rfc2544.NameRate, c.size)
	ceiling, hint, err := b.Explore(ctx, c.size)
	if err != nil {
		return err
	}
	top := ceiling
	if p.Shaped {
		top = min(top, p.Link.MaxFrameRate(c.size))
	}
	c.shaped = top < ceiling
	top = max(top, 2*lab.MinRate)
	observed := p.observed(c.device, b)
	outcome, err := rfc2544.RunRate(ctx, observed, rfc2544.SearchConfig{
		Goals: p.Profile.Goals, Size: c.size, Min: lab.MinRate, Max: top, Hint: min(max(hint, lab.MinRate), top), Limit: p.Profile.limit(),
	})
	if ctx.Err() != nil && len(c.rates) > 0 {
		return ctx.Err() // half a search must not count against whole ones
	}
	c.rates = append(c.rates, outcome)
	if err != nil || !last {
		return err
	}
	found := lastRate(rfc2544.Merge(c.rates), p.Profile.Goals)
	if found == 0 {
		return nil
	}
	p.step(c.device.Spec, rfc2544.NameLatency, c.size)
	outcome, err = rfc2544.RunLatency(ctx, observed, rfc2544.LatencyConfig{Size: c.size, Rate: found, Trial: p.Profile.Latency, Repeats: p.Profile.Repeats})
	res := lab.NewResult(p.Settings, c.device, rfc2544.NameLatency, c.size)
	fill(&res, outcome)
	if !res.Valid {
		res.LimitedBy = result.LimitedByMachine
	}
	c.latency = &res
	return err
}

func fill(res *result.Result, o rfc2544.Outcome) {
	res.Valid, res.Values, res.Shortfalls, res.Warnings, res.Trials = o.Valid, o.Values, o.Shortfalls, o.Warnings, o.Trials
}

// lastRate returns the lower bound of the last goal; the latency test uses half of it.
func lastRate(o rfc2544.Outcome, goals []mlrsearch.Goal) rfc2544.Rate {
	for _, v := range o.Values {
		if v.Name == goals[len(goals)-1].Name {
			return rfc2544.Rate(v.Value)
		}
	}
	return 0
}

// limit returns what limited a rate. An outcome that is held is not valid: its rate may be higher.
func limit(d dut.Device, o rfc2544.Outcome, shaped bool) string {
	switch {
	case len(o.Values) == 0, !o.Valid:
		return result.LimitedByMachine
	case d.Up == nil:
		return result.LimitedByTester
	case o.Values[0].Upper != nil:
		return result.LimitedByDUT
	case shaped:
		return result.LimitedByLink
	}
	return result.LimitedByTester
}
