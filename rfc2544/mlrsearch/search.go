package mlrsearch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Config is the input of Search.
type Config struct {
	Goals    []Goal  // each with a width
	Min, Max float64 // limits of every trial's load: 0 < Min < Max, finite
	Hint     float64 // where to begin, when something is known of the device; 0 is at Max
	// Limit is that of the trials' effective durations together, each at least a third of the intended
	// one; 0 is DefaultLimit.
	Limit   time.Duration
	Retries int // repeats of a trial that is not valid; 0 is DefaultRetries
}

// Defaults of a Config.
const (
	DefaultLimit   = 30 * time.Minute
	DefaultRetries = 3
)

// MaxSkipped is the number of loads without a valid trial, those above the tester's limit not
// counted, after which a search ends: the machine is too busy for measurements.
const MaxSkipped = 8

// mostReturns is how often a search returns to the loads that it skipped.
const mostReturns = 2

// Found is the output of Search.
type Found struct {
	Goals   []GoalResult  // in the order of Config.Goals
	Trials  []Trial       // the valid ones, in the order of measuring
	Skipped []Skipped     // loads without a valid trial, in the order of measuring
	Spent   time.Duration // sum of the effective durations of all trials, see Config.Limit
	Limit   time.Duration // of Spent
	Ended   Ending
}

// Skipped is a load without a valid trial.
type Skipped struct {
	Load   float64
	Trials int    // number of trials, none valid
	Short  bool   // the tester cannot offer the load: all trials were Result.Short
	Reason string // why the last of them is not valid
}

// Ending says why a search ended.
type Ending int

// A search ends when all goals have their bounds, or cannot get them; at Config.Limit; or
// after MaxSkipped loads without a valid trial.
const (
	Complete Ending = iota
	LimitReached
	TooManySkipped
)

// WhyEnded returns in words why a search ended early.
func (f Found) WhyEnded() string {
	if f.Ended == LimitReached {
		return fmt.Sprintf("search stopped after %v of trials: the limit is %v", f.Spent.Round(100*time.Millisecond), f.Limit)
	}
	return fmt.Sprintf("search stopped: %d loads without a valid trial; the machine is too busy for it", len(f.Skipped))
}

// Search is the controller of RFC 9971: it finds the relevant bounds of all goals. A trial counts
// for every goal.
//
// An invalid trial is repeated. A trial of which less than half counts, by its effective duration, is
// repeated once; the longer of the two is used. A load without a valid trial is skipped. If it is
// above every load measured, the search stays below; otherwise a neighbouring load is measured. Only
// a load at which all trials were short is taken as the limit of the test equipment: to the others
// the search returns, twice, when a goal cannot do without them. A goal that still has no upper bound
// is Held. A search that ends early returns the results so far: bounds may be missing or too far
// apart, and the result is then not regular.
//
// An error (bad config, ctx done, no trial possible) comes with the result of
// the trials measured so far.
func Search(ctx context.Context, m Measurer, cfg Config) (Found, error) {
	if err := cfg.Validate(); err != nil {
		return Found{}, err
	}
	s := newSearcher(m, cfg)
	err := s.run(ctx)
	if errors.Is(err, errEnough) {
		err = nil
	}
	for _, g := range cfg.Goals {
		result := s.record.evaluate(g)
		result.Held = s.held(g.target(), s.grid.width(g.Width))
		s.found.Goals = append(s.found.Goals, result)
	}
	return s.found, err
}

// held reports whether invalid trials kept the search from looking higher: the target has no upper
// bound, although the tester could offer higher loads.
func (s *searcher) held(t target, width int) bool {
	k := s.record.interval(t)
	return k.low != noLow && k.high == noHigh && s.field.offered-k.low >= width
}

// Validate returns an error for a config that cannot be searched.
func (cfg Config) Validate() error {
	switch {
	case len(cfg.Goals) == 0:
		return errors.New("search: no goal: give at least one")
	case !(cfg.Min > 0 && cfg.Min < cfg.Max) || math.IsInf(cfg.Max, 1):
		return fmt.Errorf("search: loads from %v to %v: need 0 < min < max, and max finite", cfg.Min, cfg.Max)
	case cfg.Hint != 0 && !(cfg.Hint >= cfg.Min && cfg.Hint <= cfg.Max):
		return fmt.Errorf("search: hint %v: must lie between min %v and max %v, or be 0", cfg.Hint, cfg.Min, cfg.Max)
	case cfg.Limit < 0 || cfg.Retries < 0:
		return fmt.Errorf("search: limit %v, retries %d: neither may be negative", cfg.Limit, cfg.Retries)
	}
	for i, g := range cfg.Goals {
		if err := g.Validate(); err != nil {
			return fmt.Errorf("search: %w", err)
		}
		if slices.ContainsFunc(cfg.Goals[:i], func(other Goal) bool { return other.Name == g.Name }) {
			return fmt.Errorf("search: goal %s: comes twice: give each its own name", g.Name)
		}
		if g.Width < narrowestWidth {
			return fmt.Errorf("search: goal %s: width %v: must be at least %v", g.Name, g.Width, narrowestWidth)
		}
	}
	return nil
}

// narrowestWidth keeps a step of the grid above the rounding of a load.
const narrowestWidth = 1e-6

// searcher is the state of one search.
type searcher struct {
	cfg       Config
	measurer  Measurer
	grid      grid
	field     field
	record    record
	selectors []*selector
	returns   int // to skipped loads
	found     Found
}

// errEnough ends a search early without an error; Found.Ended has the reason.
var errEnough = errors.New("search ended early")

func newSearcher(m Measurer, cfg Config) *searcher {
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Retries == 0 {
		cfg.Retries = DefaultRetries
	}
	var widths []float64
	for _, g := range cfg.Goals {
		widths = append(widths, g.Width)
	}
	s := &searcher{cfg: cfg, measurer: m, grid: newGrid(cfg.Min, cfg.Max, widths), found: Found{Limit: cfg.Limit}}
	s.field = field{last: s.grid.last, offered: s.grid.last, top: s.grid.last, barred: map[int]bool{}}
	for _, g := range cfg.Goals {
		s.selectors = append(s.selectors, &selector{targets: g.targets(s.grid), anchor: interval{noLow, noHigh}})
	}
	return s
}

func (s *searcher) run(ctx context.Context) error {
	if err := s.initial(ctx); err != nil {
		return err
	}
	for _, sel := range s.selectors { // start at the loads that the initial trials suggest
		sel.seed = s.record.interval(target{loss: sel.targets[0].loss, sum: 1})
	}
	for {
		next, ok := s.nominate()
		if !ok && s.comeBack() {
			continue
		}
		if !ok {
			return nil
		}
		if _, err := s.measure(ctx, next.step, next.trial); err != nil {
			return err
		}
	}
}

// nominate returns the first of the selectors' candidates; ok is false if there is none.
func (s *searcher) nominate() (best candidate, ok bool) {
	for _, sel := range s.selectors {
		if c, wants := sel.nominate(s.record, s.field); wants && (!ok || c.before(best)) {
			best, ok = c, true
		}
	}
	return best, ok
}

// comeBack makes the skipped loads available again, and reports whether a goal needs that.
func (s *searcher) comeBack() bool {
	if s.returns == mostReturns || s.field.top == s.field.offered && len(s.field.barred) == 0 {
		return false
	}
	needed := slices.ContainsFunc(s.selectors, func(sel *selector) bool {
		t := sel.targets[0]
		k := s.record.interval(t)
		return s.held(t, t.width) || k.low != noLow && k.high != noHigh && k.high-k.low > t.width
	})
	if needed {
		s.returns++
		s.field.top = s.field.offered
		clear(s.field.barred)
	}
	return needed
}

// measure runs a trial, once more if less than half of it counts, and records both. It returns the one
// of which more counts; nil if none was valid.
func (s *searcher) measure(ctx context.Context, step int, d time.Duration) (*Trial, error) {
	first, err := s.one(ctx, step, d)
	if err != nil || first == nil || first.Effective >= d/2 {
		return first, err
	}
	again, err := s.once(ctx, first.Load, d)
	if errors.Is(err, errEnough) {
		return first, nil
	}
	if err != nil || !again.Valid {
		return first, err
	}
	second := s.take(step, d, again)
	if second.Effective > first.Effective {
		return &second, nil
	}
	return first, nil
}

// one runs a trial and its repeats until it is valid, and records it; it returns nil if none was.
func (s *searcher) one(ctx context.Context, step int, d time.Duration) (*Trial, error) {
	load := s.grid.load(step)
	seen, skipped, err := s.attempts(ctx, load, d)
	if errors.Is(err, errEnough) {
		s.found.Ended = LimitReached
	}
	if err != nil {
		return nil, err
	}
	if !seen.Valid {
		return nil, s.skip(step, skipped)
	}
	trial := s.take(step, d, seen)
	return &trial, nil
}

// take records a valid trial.
func (s *searcher) take(step int, d time.Duration, seen Result) Trial {
	trial := Trial{Load: s.grid.load(step), Duration: d, Effective: seen.Effective, LossRatio: seen.LossRatio}
	s.found.Trials = append(s.found.Trials, trial)
	s.record.add(step, trial)
	s.field.offered, s.field.top = max(s.field.offered, step), max(s.field.top, step)
	return trial
}

// attempts repeats a trial until it is valid. Without a valid one it returns what is skipped.
func (s *searcher) attempts(ctx context.Context, load float64, d time.Duration) (seen Result, skipped Skipped, err error) {
	skipped = Skipped{Load: load, Short: true}
	for skipped.Trials <= s.cfg.Retries {
		seen, err = s.once(ctx, load, d)
		if err != nil || seen.Valid {
			return seen, skipped, err
		}
		skipped.Trials, skipped.Short, skipped.Reason = skipped.Trials+1, skipped.Short && seen.Short, seen.Reason
	}
	return seen, skipped, nil
}

// leastSpent: a trial counts for the limit by the time that counts of it, but for no less than this
// fraction of its duration. So a search takes no more than as many times its limit.
const leastSpent = 3

// once runs one trial if the time limit allows it.
func (s *searcher) once(ctx context.Context, load float64, d time.Duration) (Result, error) {
	if s.found.Spent+d > s.cfg.Limit {
		return Result{}, errEnough
	}
	seen, err := s.measurer.Measure(ctx, load, d)
	if err != nil {
		return Result{}, err
	}
	if seen.Effective == 0 {
		seen.Effective = d
	}
	s.found.Spent += max(seen.Effective, d/leastSpent)
	return seen, nil
}

// skip removes a step from the field.
func (s *searcher) skip(step int, what Skipped) error {
	above := len(s.record) == 0 || step > s.record[len(s.record)-1].step
	switch {
	case above && what.Short:
		s.field.offered, s.field.top = step-1, step-1
	case above:
		s.field.top = step - 1
	default:
		s.field.barred[step] = true
	}
	spoilt := 0
	for _, other := range s.found.add(what) {
		if !other.Short {
			spoilt++
		}
	}
	if spoilt == MaxSkipped {
		s.found.Ended = TooManySkipped
		return errEnough
	}
	return nil
}

// add adds a load to Skipped, each load once, and returns them all.
func (f *Found) add(what Skipped) []Skipped {
	i := slices.IndexFunc(f.Skipped, func(other Skipped) bool { return other.Load == what.Load })
	if i < 0 {
		f.Skipped = append(f.Skipped, what)
		return f.Skipped
	}
	what.Trials += f.Skipped[i].Trials
	f.Skipped[i] = what
	return f.Skipped
}
