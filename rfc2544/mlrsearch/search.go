package mlrsearch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Config is the input of Search.
type Config struct {
	Goals    []Goal        // each with a width
	Min, Max float64       // limits of every trial's load: 0 < Min < Max, finite
	Hint     float64       // where to begin, when something is known of the device; 0 is at Max
	Limit    time.Duration // of the sum of intended trial durations; 0 is DefaultLimit
	Retries  int           // repeats of a trial that is not valid; 0 is DefaultRetries
}

// Defaults of a Config.
const (
	DefaultLimit   = 30 * time.Minute
	DefaultRetries = 3
)

// MaxSkipped is the number of loads without a valid trial after which a search ends: the machine is
// too busy for measurements.
const MaxSkipped = 8

// Found is the output of Search.
type Found struct {
	Goals   []GoalResult  // in the order of Config.Goals
	Trials  []Trial       // the valid ones, in the order of measuring
	Skipped []Skipped     // loads without a valid trial, in the order of measuring
	Spent   time.Duration // sum of the intended durations of all trials
	Ended   Ending
}

// Skipped is a load without a valid trial.
type Skipped struct {
	Load   float64
	Trials int    // number of trials, none valid
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

// Search is the controller of RFC 9971: it finds the relevant bounds of all goals. A trial counts
// for every goal.
//
// An invalid trial is repeated. A load without a valid trial is skipped. If it is above every load
// measured, it is taken as the limit of the test equipment, and the search stays below; otherwise a
// neighbouring load is measured. A search that ends early returns the results so far: bounds may be
// missing or too far apart, and the result is then not regular.
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
		s.found.Goals = append(s.found.Goals, s.record.evaluate(g))
	}
	return s.found, err
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
	for _, g := range cfg.Goals {
		if err := g.Validate(); err != nil {
			return fmt.Errorf("search: %w", err)
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
	s := &searcher{cfg: cfg, measurer: m, grid: newGrid(cfg.Min, cfg.Max, widths)}
	s.field = field{last: s.grid.last, top: s.grid.last, barred: map[int]bool{}}
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

// measure repeats a trial until it is valid and records it; it returns nil if none was valid.
func (s *searcher) measure(ctx context.Context, step int, d time.Duration) (*Trial, error) {
	load := s.grid.load(step)
	var seen Result
	var err error
	for range 1 + s.cfg.Retries {
		if s.found.Spent+d > s.cfg.Limit {
			s.found.Ended = LimitReached
			return nil, errEnough
		}
		if seen, err = s.measurer.Measure(ctx, load, d); err != nil {
			return nil, err
		}
		s.found.Spent += d
		if seen.Valid {
			if seen.Effective == 0 {
				seen.Effective = d
			}
			trial := Trial{Load: load, Duration: d, Effective: seen.Effective, LossRatio: seen.LossRatio}
			s.found.Trials = append(s.found.Trials, trial)
			s.record.add(step, trial)
			return &trial, nil
		}
	}
	return nil, s.skip(step, Skipped{Load: load, Trials: 1 + s.cfg.Retries, Reason: seen.Reason})
}

// skip removes a step from the field.
func (s *searcher) skip(step int, what Skipped) error {
	s.found.Skipped = append(s.found.Skipped, what)
	if n := len(s.record); n == 0 || step > s.record[n-1].step {
		s.field.top = step - 1
	} else {
		s.field.barred[step] = true
	}
	if len(s.found.Skipped) == MaxSkipped {
		s.found.Ended = TooManySkipped
		return errEnough
	}
	return nil
}
