package rfc2544

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// SearchConfig is the input of one MLRsearch.
type SearchConfig struct {
	Goals    []Goal // each with a width
	Size     FrameSize
	Min, Max Rate              // hard limits of every trial's load
	Hint     Rate              // where to begin, when something is known of the device; 0 is at Max
	Limit    time.Duration     // of the sum of intended trial times; 0 is DefaultLimit
	Traffic  Traffic           // of every trial
	Retries  int               // repeats of an invalid trial; 0 is DefaultRetries
	OnTrial  func(Observation) // called after every trial, invalid ones too; may be nil
}

// What a SearchConfig means by zero.
const (
	DefaultLimit   = 30 * time.Minute
	DefaultRetries = 3
)

// maxGivenUp is how many loads may stay without a valid trial before the
// search ends: a machine this unquiet will not get better.
const maxGivenUp = 8

// SearchResult holds the goals in the order given and every trial in the order
// run, invalid ones included.
type SearchResult struct {
	Goals    []GoalResult  `json:"goals"`
	Trials   []Observation `json:"trials"`
	Warnings []string      `json:"warnings"`
}

// Search is the controller of RFC 9971: it finds the relevant bounds of all
// goals at once, sharing their trials.
//
//	initial trials: the hint; or max -> what it forwarded -> one width beside that
//	then, until no goal wants more:
//	    every goal's selector nominates a trial -> the lowest load is run
//	       -> every goal sees its result
//
// Equal devices get equal trials: nothing is random. An invalid trial is
// repeated; a load that stays invalid says nothing about the device: it is left
// out with a warning. When it lies above every load that could be measured,
// the tester is taken to end there and the search stays below; else a load
// beside it is tried. After maxGivenUp such loads, or at cfg.Limit, the search
// ends with what it has, irregular where bounds are missing or too far apart.
//
// An error (bad config, ctx done, no trial possible) comes with the result of
// the trials run so far.
func Search(ctx context.Context, m Measurer, cfg SearchConfig) (SearchResult, error) {
	if err := cfg.validate(); err != nil {
		return SearchResult{}, err
	}
	s := newSearcher(m, cfg)
	err := s.run(ctx)
	if errors.Is(err, errEnough) {
		err = nil
	}
	for _, g := range cfg.Goals {
		s.result.Goals = append(s.result.Goals, s.record.evaluate(g))
	}
	return s.result, err
}

func (cfg SearchConfig) validate() error {
	switch {
	case len(cfg.Goals) == 0:
		return errors.New("search: no goal: give at least one")
	case !(cfg.Min > 0 && cfg.Min < cfg.Max) || cfg.Max.IsFlood():
		return fmt.Errorf("search: loads from %v to %v: need 0 < min < max, and max finite", cfg.Min, cfg.Max)
	case cfg.Size < MinFrame || cfg.Size > MaxFrame:
		return fmt.Errorf("search: frame size %d: must be from %d to %d", cfg.Size, MinFrame, MaxFrame)
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
		if cfg.Min.Frames(g.initial()) == 0 {
			return fmt.Errorf("search: goal %s: %v for %v is no frame at all: raise min or initial", g.Name, cfg.Min, g.initial())
		}
	}
	return nil
}

// narrowestWidth keeps the grid's step above the rounding of a Rate.
const narrowestWidth = 1e-6

type searcher struct {
	cfg       SearchConfig
	measurer  Measurer
	grid      grid
	field     field
	record    record
	selectors []*selector
	spent     time.Duration
	givenUp   int
	result    SearchResult
}

// errEnough ends a search early and in order; a warning says why.
var errEnough = errors.New("search ended early")

func newSearcher(m Measurer, cfg SearchConfig) *searcher {
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
	s.result = SearchResult{Trials: []Observation{}, Warnings: []string{}}
	for _, g := range cfg.Goals {
		s.selectors = append(s.selectors, &selector{targets: g.targets(s.grid), anchor: interval{noLow, noHigh}})
	}
	return s
}

func (s *searcher) run(ctx context.Context) error {
	if err := s.initial(ctx); err != nil {
		return err
	}
	for _, sel := range s.selectors {
		// What the initial trials hint at, whatever their length.
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

func (s *searcher) nominate() (best candidate, ok bool) {
	for _, sel := range s.selectors {
		if c, wants := sel.nominate(s.record, s.field); wants && (!ok || c.before(best)) {
			best, ok = c, true
		}
	}
	return best, ok
}

// initial brackets the capacity with a handful of the shortest trials: the
// forwarding rate of an overloaded device is a good first guess.
func (s *searcher) initial(ctx context.Context) error {
	trial, loss, width := s.shortest()
	if h := s.cfg.Hint; h > 0 {
		if seen, err := s.measure(ctx, s.grid.floor(h), trial); err != nil || seen != nil {
			return err
		}
	}
	step, seen, err := s.highest(ctx, trial)
	if err != nil {
		return err
	}
	for range 2 {
		if seen == nil || seen.LossRatio <= loss {
			return nil
		}
		above := step
		guess := seen.Load * Rate(1-seen.LossRatio) / Rate(1-loss)
		step = max(0, min(s.grid.floor(guess), above-1))
		if seen, err = s.measure(ctx, step, trial); err != nil {
			return err
		}
		if seen != nil && seen.LossRatio <= loss && step+width < above {
			_, err = s.measure(ctx, step+width, trial)
			return err
		}
	}
	return nil
}

// shortest are the trial, the loss and the width of the least demanding start.
func (s *searcher) shortest() (trial time.Duration, loss float64, width int) {
	trial, loss, width = math.MaxInt64, 1, math.MaxInt
	for _, sel := range s.selectors {
		t := sel.targets[0]
		trial, loss, width = min(trial, t.trial), min(loss, t.loss), min(width, t.width)
	}
	return trial, loss, width
}

// highest measures the largest load that the tester can offer, halving from
// cfg.Max until a trial is valid; nil when none is.
func (s *searcher) highest(ctx context.Context, trial time.Duration) (step int, seen *ReplayTrial, err error) {
	for step = s.grid.last; ; step = s.grid.floor(s.grid.load(step) / 2) {
		seen, err = s.measure(ctx, step, trial)
		if err != nil || seen != nil || step == 0 {
			return step, seen, err
		}
	}
}

// measure runs a trial until it is valid and records it; nil when it never was.
func (s *searcher) measure(ctx context.Context, step int, d time.Duration) (*ReplayTrial, error) {
	trial := Trial{Size: s.cfg.Size, Load: s.grid.load(step), Duration: d, Traffic: s.cfg.Traffic}
	var last Observation
	for range 1 + s.cfg.Retries {
		if s.spent+d > s.cfg.Limit {
			return nil, s.enough("search stopped after %v of trials: the limit is %v", s.spent, s.cfg.Limit)
		}
		seen, err := observe(ctx, s.measurer, trial)
		if err != nil {
			return nil, err
		}
		s.spent += d
		s.log(seen)
		if seen.Valid {
			known := ReplayTrial{Load: trial.Load, Duration: d, Effective: d, LossRatio: seen.LossRatio()}
			s.record.add(step, known)
			return &known, nil
		}
		last = seen
	}
	return nil, s.giveUp(step, last)
}

func (s *searcher) log(seen Observation) {
	s.result.Trials = append(s.result.Trials, seen)
	if s.cfg.OnTrial != nil {
		s.cfg.OnTrial(seen)
	}
}

// giveUp takes a step out of the field.
func (s *searcher) giveUp(step int, last Observation) error {
	s.result.Warnings = append(s.result.Warnings, fmt.Sprintf("load %v left out: %d trials, none valid%s",
		s.grid.load(step), 1+s.cfg.Retries, reason(last)))
	if n := len(s.record); n == 0 || step > s.record[n-1].step {
		s.field.top = step - 1
	} else {
		s.field.barred[step] = true
	}
	if s.givenUp++; s.givenUp == maxGivenUp {
		return s.enough("search stopped: %d loads without a valid trial; the machine is too busy for it", s.givenUp)
	}
	return nil
}

func (s *searcher) enough(format string, args ...any) error {
	s.result.Warnings = append(s.result.Warnings, fmt.Sprintf(format, args...))
	return errEnough
}
