// Package progress shows how far a run is, as metrics for Prometheus. The run only tells what has changed, between two
// trials; a process of its own answers the readers, on cores that measure nothing where the machine has any left.
//
//	run ──hooks──► Board ──pipe: a State each line──► child ──► GET /metrics
//	 trials, steps, results                            idle priority, on other cores
package progress

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// State is how far a run is. It is passed on as JSON.
type State struct {
	Started  time.Time
	Expected time.Time             // end of the run; zero: nobody knows
	Cells    int                   // devices times frame sizes
	Steps    map[string]suite.Step // what is being measured, by device
	Trials   []Trials              // in the order of the first
	Broken   map[rfc2544.ReasonCode]uint64
	Values   []Value
	Results  map[string]uint64 // by outcome
}

// Trials counts the trials of a device at a frame size.
type Trials struct {
	Device string
	Size   rfc2544.FrameSize
	// Clean and Disturbed ones count for the device, and broken ones do not.
	Clean, Disturbed, Broken uint64
}

// Value is a rate that was found, in frames per second and direction.
type Value struct {
	Device, Test, Name string
	Size               rfc2544.FrameSize
	Rate               float64
}

// Outcomes of a result.
const (
	valid       = "valid"
	invalid     = "invalid"
	failed      = "failed"
	unsupported = "unsupported"
)

// Board is where a run shows how far it is. A nil Board shows nothing.
type Board struct {
	server *openmetrics.Server
	child  *child

	mu    sync.Mutex // guards the following
	state State
}

// Open opens the address of a board; "" makes a nil one. The errors are those of openmetrics.Listen.
func Open(address string) (*Board, error) {
	if address == "" {
		return nil, nil
	}
	s, err := openmetrics.Listen(address)
	if err != nil {
		return nil, err
	}
	return &Board{server: s, state: State{
		Started: time.Now(), Steps: map[string]suite.Step{}, Broken: map[rfc2544.ReasonCode]uint64{}, Results: map[string]uint64{},
	}}, nil
}

// Follow makes a plan tell the board what happens, too, and estimates when the run ends.
func (b *Board) Follow(ctx context.Context, p *suite.Plan, resumes bool) {
	if b == nil {
		return
	}
	b.state.Cells = len(p.Devices) * len(p.Sizes)
	if !resumes { // nobody knows how much of it is left
		b.estimate(ctx, *p)
	}
	b.state.Started = time.Now()
	onTrial, onPart, onForetold := p.OnTrial, p.OnPart, p.OnForetold
	p.OnStep = func(s suite.Step) { b.change(func(state *State) { state.step(s) }) }
	p.OnTrial = func(device string, t rfc2544.Trial, o rfc2544.Observation) {
		onTrial(device, t, o)
		b.change(func(state *State) { state.trial(device, t, o) })
	}
	p.OnPart = func(r *result.Results) {
		onPart(r)
		b.change(func(state *State) { state.part(r) })
	}
	p.OnForetold = func(t suite.Trouble, left time.Duration) {
		onForetold(t, left)
		b.change(func(state *State) { state.Expected = time.Now().Add(left) })
	}
}

// estimate notes when the run ends, unless the estimate itself takes long.
func (b *Board) estimate(ctx context.Context, p suite.Plan) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, total, err := p.Estimate(ctx); err == nil {
		b.state.Expected = time.Now().Add(total)
	}
}

// change changes the state and passes it on.
func (b *Board) change(by func(*State)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	by(&b.state)
	b.child.show(&b.state)
}

func (s *State) step(to suite.Step) {
	if to.Test == "" {
		delete(s.Steps, to.Device)
		return
	}
	s.Steps[to.Device] = to
}

func (s *State) trial(device string, t rfc2544.Trial, o rfc2544.Observation) {
	i := slices.IndexFunc(s.Trials, func(of Trials) bool { return of.Device == device && of.Size == t.Size })
	if i < 0 {
		i = len(s.Trials)
		s.Trials = append(s.Trials, Trials{Device: device, Size: t.Size})
	}
	switch {
	case !o.Valid:
		s.Trials[i].Broken++
	case len(o.Disturbed) > 0:
		s.Trials[i].Disturbed++
	default:
		s.Trials[i].Clean++
	}
	for _, why := range o.Invalid {
		s.Broken[why.Code]++
	}
}

// part takes over what was found so far.
func (s *State) part(r *result.Results) {
	s.Values, s.Results = s.Values[:0], map[string]uint64{}
	for _, of := range r.Results {
		s.Results[outcome(of)]++
		for _, v := range of.Values {
			if v.Unit == "fps" {
				s.Values = append(s.Values, Value{of.DUT, of.Test, v.Name, of.FrameSize, v.Value})
			}
		}
	}
}

func outcome(r result.Result) string {
	switch {
	case r.Unsupported != "":
		return unsupported
	case r.Error != "":
		return failed
	case r.Valid:
		return valid
	}
	return invalid
}

// steps returns the steps by device, in order.
func (s *State) steps() (all []suite.Step) {
	for _, device := range slices.Sorted(maps.Keys(s.Steps)) {
		all = append(all, s.Steps[device])
	}
	return all
}
