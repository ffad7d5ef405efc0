package rfc2544

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// NameRate is the name of the rate test.
const NameRate = "rate"

// RunRate searches the highest rate that meets each goal. For a goal named pdr it
// yields pdr, the relevant lower bound, with both bounds, and conditional_throughput_pdr. Rates are
// in frames per second and direction. An error comes with the outcome of the trials so far, which is
// not valid.
func RunRate(ctx context.Context, m Measurer, cfg SearchConfig) (Outcome, error) {
	out := newOutcome(NameRate)
	found, err := Search(ctx, m, cfg)
	out.Trials = append(out.Trials, found.Trials...)
	out.Warnings = append(out.Warnings, found.Warnings...)
	n := countValid(found.Trials)
	var short shortfalls
	for _, g := range cfg.Goals {
		short.duration(TrialDuration, g.Final, minuteTrial, "RFC 2544 section 24")
	}
	out.fallShort(short)
	for _, g := range found.Goals {
		out.addRate(g, n, cfg.Min)
	}
	if err != nil {
		out.Valid = false
	}
	return out, err
}

func countValid(trials []Observation) (n int) {
	for _, t := range trials {
		if t.Valid {
			n++
		}
	}
	return n
}

// addRate adds the bounds of a goal.
func (o *Outcome) addRate(g mlrsearch.GoalResult, n int, minimum Rate) {
	name := g.Goal.Name
	if g.Lower == nil {
		o.fail("%s: no load from %v up was good enough", name, minimum)
		return
	}
	lower := *g.Lower
	rate := Value{Name: name, Unit: unitRate, Value: lower, Lower: &lower, N: n, Better: higherBetter}
	switch {
	case g.Held:
		o.fail("%s >= %v: loads above could not be measured", name, Rate(lower))
		o.Held = true
	case g.Upper == nil:
		o.warn("%s >= %v: never lossy up to the largest load offered", name, Rate(lower))
	case !g.Regular:
		o.fail("%s: bounds %v and %v are %.2g %% apart, the goal is %.2g %%", name, Rate(lower), Rate(*g.Upper),
			100*(*g.Upper-lower) / *g.Upper, 100*g.Goal.Width)
	}
	if g.Upper != nil {
		rate.Upper = g.Upper
	}
	o.Values = append(o.Values, rate)
	if !g.Goal.Strict() { // else they are the same
		o.Values = append(o.Values, Value{Name: "conditional_throughput_" + name, Unit: unitRate,
			Value: *g.Conditional, N: n, Better: higherBetter})
	}
}

var _ = register(Test{
	Name: NameRate, Title: "Rates", Limited: true, Order: 10,
	Efforts: Efforts{
		CI: SearchConfig{
			Goals: mlrsearch.MustParseGoals("name=ndr,loss=0,exceed=0.5,initial=500ms,final=500ms,sum=2500ms,width=0.01",
				"name=pdr,loss=0.005,exceed=0.5,initial=500ms,final=500ms,sum=2500ms,width=0.01"),
			Limit: 2 * time.Minute,
		},
		Standard: SearchConfig{Goals: mlrsearch.MustParseGoals("ndr", "pdr"), Limit: time.Hour},
		Full:     SearchConfig{Goals: mlrsearch.MustParseGoals("ndr", "pdr"), Limit: 4 * time.Hour},
	},
})

// RunAt implements Config. The rate of the last goal is what later tests begin with.
func (cfg SearchConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	cfg.Size, cfg.Min, cfg.Max, cfg.Hint = p.Size, p.Min, p.Max, p.Hint
	out, err := RunRate(ctx, m, cfg)
	if len(cfg.Goals) > 0 {
		p.Found = out.rate(cfg.Goals[len(cfg.Goals)-1].Name)
	}
	return out, err
}

// rate returns the value of that name; 0 if there is none.
func (o *Outcome) rate(name string) Rate {
	for _, v := range o.Values {
		if v.Name == name {
			return Rate(v.Value)
		}
	}
	return 0
}
