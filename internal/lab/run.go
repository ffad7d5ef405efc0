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
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Profile says how thoroughly a run measures.
type Profile struct {
	Name    string
	Goals   []mlrsearch.Goal
	Limit   time.Duration // of the trials of one search: a machine that changes too fast has no answer
	Latency time.Duration // of one latency trial
	Repeats int           // of it, at each load

	// Rates are searched in rounds, each with every device freshly brought up:
	// as many as Cells allow for the devices and sizes of the run, from 1 to
	// MostRounds. 0 cells is one round.
	Cells, MostRounds int

	// Suite runs the whole family of tests instead; nil: rate and latency as above.
	Suite     *rfc2544.Suite
	Direction string        // of a run that does not say; empty: forward
	Late      time.Duration // a frame that takes longer is lost; 0: DefaultLate
	MaxFrames uint64        // of its longest trial; 0: DefaultMaxFrames
	Tunnels   int           // that a device which can is also measured with at once; 0: none
}

// rounds is how many rounds a run of so many cells (a device at a size) has.
func (p Profile) rounds(cells int) int {
	return max(1, min(p.MostRounds, p.Cells/max(1, cells)))
}

// Profiles are those that a user may name. quick is what a run of minutes can
// afford: 18 short searches in all, 15 cells once or a single cell 5 times.
// ndrpdr searches two rates as CSIT does. The others run the whole family of
// RFC 2544's tests, see Suite.
func Profiles() []Profile {
	ci, standard, full := rfc2544.CISuite(), rfc2544.StandardSuite(), rfc2544.FullSuite()
	return []Profile{
		{Name: "quick", Goals: presets("quick"), Limit: 15 * time.Second, Latency: 500 * time.Millisecond, Repeats: 3, Cells: 18, MostRounds: 5},
		{Name: "ndrpdr", Goals: presets("ndr", "pdr"), Limit: 10 * time.Minute, Latency: 2500 * time.Millisecond, Repeats: 3},
		{Name: "ci", Goals: ci.Goals(), Suite: &ci, Tunnels: 8},
		{Name: "standard", Goals: standard.Goals(), Suite: &standard, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, Tunnels: 8},
		{Name: "full", Goals: full.Goals(), Suite: &full, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, MaxFrames: 1 << 28, Tunnels: 256},
	}
}

// presets are goals that are part of the program and so always parse.
func presets(names ...string) []mlrsearch.Goal {
	goals := make([]mlrsearch.Goal, len(names))
	for i, name := range names {
		goal, err := mlrsearch.Preset(name)
		if err != nil {
			panic(err)
		}
		goals[i] = goal
	}
	return goals
}

// Plan is what a run measures.
type Plan struct {
	Settings Settings
	Devices  []dut.Device
	Sizes    []rfc2544.FrameSize
	Profile  Profile
	Link     rfc2544.BitRate // nominal
	Shaped   bool            // loads stay below the link's speed
	Streams  *StreamsPlan    // what TCP makes of each device, after the rates; nil: not measured
	Journal  *Journal        // of every trial, for profiles with a suite
	// OnTrial, if set, hears of every trial of a device when it is over.
	OnTrial func(device string, trial rfc2544.Trial, seen rfc2544.Observation)
	// OnResult, if set, hears of every result when it is there.
	OnResult func(*reports.Results, reports.Result)
}

// MinRate is where a search begins: a load any tunnel carries.
const MinRate rfc2544.Rate = 1000

// Run measures every device at every size. What was measured is in the results
// whatever happens; the error is for the run as a whole.
func (l *Lab) Run(ctx context.Context, p Plan, r *reports.Results) (err error) {
	if p.Settings, err = l.CalibrateAll(ctx, p.Settings, p.Sizes, r); err != nil {
		return err
	}
	if p.Profile.Suite != nil {
		return l.runSuites(ctx, p, r)
	}
	cells := cellsOf(p)
	rounds := p.Profile.rounds(len(cells))
	for round := 0; round < rounds && err == nil; round++ {
		for _, d := range p.Devices {
			if err = l.round(ctx, d, cells, p, round == rounds-1, r); err != nil {
				break
			}
		}
	}
	for _, c := range cells { // what an early end left unsaid
		c.book(l, p, r)
	}
	if err == nil && p.Streams != nil {
		err = l.runStreams(ctx, p, r)
	}
	return err
}

// CalibrateAll measures the bare wire at every size, and has the results say what
// it gave. The settings that it returns have the engine that did so: all of a run is
// measured with one.
func (l *Lab) CalibrateAll(ctx context.Context, s Settings, sizes []rfc2544.FrameSize, r *reports.Results) (Settings, error) {
	s = s.For(slices.Max(sizes))
	for _, size := range sizes {
		c, err := l.Calibrate(ctx, s, size)
		if err != nil {
			return s, err
		}
		s.Engine = c.Engine
		r.Calibration = append(r.Calibration, c.report(size))
		for _, doubt := range c.Doubts {
			if !slices.Contains(r.Host.Notes, doubt) {
				r.Host.Notes = append(r.Host.Notes, doubt)
			}
		}
	}
	if s.Engine != EngineXDP {
		r.Host.Notes = append(r.Host.Notes, "engine "+s.Engine)
	}
	return s, nil
}

func (c *Calibration) report(size rfc2544.FrameSize) reports.Calibration {
	out := reports.Calibration{FrameSize: size, MOL: &c.MOL}
	if c.Latency != nil {
		out.WireP50 = &c.Latency.P50
	}
	return out
}

// cell is a device at a size, over all rounds.
type cell struct {
	device dut.Device
	size   rfc2544.FrameSize
	rates  []rfc2544.Outcome
	shaped bool // the link's speed was the highest load
	late   *reports.Result
	failed error
	booked bool
}

func cellsOf(p Plan) (cells []*cell) {
	for _, d := range p.Devices {
		for _, size := range p.Sizes {
			cells = append(cells, &cell{device: d, size: size})
		}
	}
	return cells
}

// round measures one device at every size, once; in the last round its latency
// too. What goes wrong with a device costs its own results only, and is an
// error just when the run cannot go on.
func (l *Lab) round(ctx context.Context, d dut.Device, cells []*cell, p Plan, last bool, r *reports.Results) (err error) {
	var b *Setup
	defer func() {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	for _, c := range cells {
		if c.device.Spec != d.Spec || c.failed != nil {
			continue
		}
		if b == nil {
			if b, c.failed = l.Setup(ctx, d, p.Settings, slices.Max(p.Sizes)); c.failed != nil {
				b = nil
			}
		}
		if c.failed == nil {
			c.failed = b.Alive()
		}
		if c.failed == nil {
			c.failed = b.measureCell(ctx, c, p, last)
		}
		if ctx.Err() != nil {
			c.failed = nil // it is the run that ended, not the device
			return ctx.Err()
		}
		if c.failed != nil || last {
			c.book(l, p, r)
		}
	}
	return nil
}

// book puts what is known of the cell into the results, once.
func (c *cell) book(l *Lab, p Plan, r *reports.Results) {
	if c.booked || len(c.rates) == 0 && c.failed == nil {
		return
	}
	c.booked = true
	rate := blank(p.Settings, c.device, rfc2544.NameRate, c.size)
	if len(c.rates) > 0 {
		outcome := rfc2544.Merge(c.rates)
		fill(&rate, outcome)
		rate.LimitedBy = limit(c.device, outcome, c.shaped)
	}
	if c.failed != nil {
		rate = failed(rate, c.failed)
	}
	results := []reports.Result{rate}
	if c.late != nil {
		results = append(results, *c.late)
	}
	for _, res := range results {
		r.Results = append(r.Results, res)
		if p.OnResult != nil {
			p.OnResult(r, res)
		}
	}
}

func blank(s Settings, d dut.Device, test string, size rfc2544.FrameSize) reports.Result {
	return reports.Result{DUT: d.Spec, Kind: d.Kind, Test: test, FrameSize: size, Direction: s.Direction}
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

// observed is the set-up, of whose trials the plan's observer hears.
func (p Plan) observed(b *Setup) Resettable {
	if p.OnTrial == nil {
		return b
	}
	return Observed(b, func(t rfc2544.Trial, o rfc2544.Observation) { p.OnTrial(b.device.Spec, t, o) })
}

// measureCell searches the rate and, in the last round, measures the latency at
// half of what all rounds found.
func (b *Setup) measureCell(ctx context.Context, c *cell, p Plan, last bool) error {
	ceiling, hint, err := b.Explore(ctx, c.size)
	if err != nil {
		return err
	}
	top := ceiling
	if p.Shaped {
		top = min(top, p.Link.MaxFrameRate(c.size))
	}
	c.shaped = top < ceiling
	top = max(top, 2*MinRate)
	observed := p.observed(b)
	outcome, err := rfc2544.RunRate(ctx, observed, rfc2544.SearchConfig{
		Goals: p.Profile.Goals, Size: c.size, Min: MinRate, Max: top, Hint: min(max(hint, MinRate), top), Limit: p.Profile.Limit,
	})
	c.rates = append(c.rates, outcome)
	if err != nil || !last {
		return err
	}
	found := lastRate(rfc2544.Merge(c.rates), p.Profile.Goals)
	if found == 0 {
		return nil
	}
	outcome, err = rfc2544.RunLatency(ctx, observed, rfc2544.LatencyConfig{Size: c.size, Rate: found, Trial: p.Profile.Latency, Repeats: p.Profile.Repeats})
	res := blank(b.settings, c.device, rfc2544.NameLatency, c.size)
	fill(&res, outcome)
	if !res.Valid {
		res.LimitedBy = reports.LimitedByMachine
	}
	c.late = &res
	return err
}

func fill(res *reports.Result, o rfc2544.Outcome) {
	res.Valid, res.Values, res.Warnings, res.Trials = o.Valid, o.Values, o.Warnings, o.Trials
}

// Explore finds a load that the tester can pace into this device, above which
// there is no searching, and about how fast the device is, where the search may
// begin. It starts with a flood, which also warms everything up; the device's
// work on the tester's core makes the tester slower than on the bare wire, and
// slower still when it paces, so it goes down until a paced trial is whole.
func (b *Setup) Explore(ctx context.Context, size rfc2544.FrameSize) (ceiling, hint rfc2544.Rate, err error) {
	const (
		duration = 200 * time.Millisecond
		headroom = 0.85 // for bursts that a stall left behind to be caught up with
		tries    = 5
	)
	p := b.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Flood, Duration: duration})
	p.Batch = loadgen.PacedBatch
	for range tries {
		r, err := b.Execute(ctx, p)
		if err != nil {
			return 0, 0, fmt.Errorf("explore: %w", err)
		}
		o := r.observation(b.settings.Directions())
		if p.Load.IsFlood() {
			hint = r.slowestStream()
		} else if o.Offered == o.Intended {
			break
		}
		sent := float64(o.Offered) / float64(len(p.Streams)) / (o.Duration + o.Paused).Seconds()
		p = b.Plan(rfc2544.Trial{Size: size, Load: rfc2544.Rate(headroom * sent), Duration: duration})
	}
	return p.Load, hint, nil
}

// slowestStream is how fast frames of a flood came back, in the direction where
// they did slowest, which decides; 0 when that brought none.
func (r Run) slowestStream() rfc2544.Rate {
	slowest := rfc2544.Flood
	for _, s := range r.Ledger.Streams {
		if s.Span == 0 {
			return 0
		}
		slowest = min(slowest, rfc2544.Rate(float64(s.Received+s.Late)/s.Span.Seconds()))
	}
	return slowest
}

// lastRate is the lower bound of the last goal, from which latency takes its load.
func lastRate(o rfc2544.Outcome, goals []mlrsearch.Goal) rfc2544.Rate {
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
