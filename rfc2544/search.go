package rfc2544

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// SearchConfig is the input of Search.
type SearchConfig struct {
	Goals    []mlrsearch.Goal // each with a width
	Size     FrameSize
	Min, Max Rate          // limits of every trial's load
	Hint     Rate          // where to begin, when something is known of the device; 0 is at Max
	Limit    time.Duration // of the sum of intended trial durations; 0 is mlrsearch.DefaultLimit
	Traffic  Traffic       // of every trial
	// AllFrames judges a trial by all of its frames and time, as a value with an RFC's name is; otherwise
	// its clean part counts. It is implied by a goal named throughput.
	AllFrames bool
}

// SearchResult holds the goals in the order given and every trial in the order
// run, those that are not valid included.
type SearchResult struct {
	Goals    []mlrsearch.GoalResult `json:"goals"`
	Trials   []Observation          `json:"trials"`
	Warnings []string               `json:"warnings"`
}

// Search runs MLRsearch (RFC 9971, package mlrsearch) with trials of one frame size. Warnings
// name the loads without a valid trial and say why the search ended early. An error comes
// with the result of the trials run so far.
func Search(ctx context.Context, m Measurer, cfg SearchConfig) (SearchResult, error) {
	search := mlrsearch.Config{Goals: cfg.Goals, Min: float64(cfg.Min), Max: float64(cfg.Max), Hint: float64(cfg.Hint), Limit: cfg.Limit, Retries: DefaultRetries}
	if err := cfg.check(search); err != nil {
		return SearchResult{}, err
	}
	cfg.AllFrames = cfg.AllFrames || slices.ContainsFunc(cfg.Goals, func(g mlrsearch.Goal) bool { return g.Name == NameThroughput })
	run := &searchTrials{m, cfg, []Observation{}}
	found, err := mlrsearch.Search(ctx, run, search)
	return SearchResult{Goals: found.Goals, Trials: run.seen, Warnings: searchWarnings(found)}, err
}

// check returns an error for a config that no search can use, and for trials without a single
// frame.
func (cfg SearchConfig) check(search mlrsearch.Config) error {
	if cfg.Size < MinFrame || cfg.Size > MaxFrame {
		return fmt.Errorf("search: frame size %d: must be from %d to %d", cfg.Size, MinFrame, MaxFrame)
	}
	if err := search.Validate(); err != nil {
		return err
	}
	for _, g := range cfg.Goals {
		if cfg.Min.Frames(g.Shortest()) == 0 {
			return fmt.Errorf("search: goal %s: %v for %v is no frame at all: raise min or initial", g.Name, cfg.Min, g.Shortest())
		}
	}
	return nil
}

// searchTrials is the mlrsearch.Measurer of a search; it keeps all observations.
type searchTrials struct {
	measurer Measurer
	cfg      SearchConfig
	seen     []Observation
}

// Measure implements mlrsearch.Measurer. The effective duration of a trial is the clean share of the
// intended one, or all of it: rests, pauses and the wait for late frames do not count.
func (s *searchTrials) Measure(ctx context.Context, load float64, d time.Duration) (mlrsearch.Result, error) {
	seen, err := observe(ctx, s.measurer, Trial{Size: s.cfg.Size, Load: Rate(load), Duration: d, Traffic: s.cfg.Traffic})
	if err != nil {
		return mlrsearch.Result{}, err
	}
	loss, share := seen.CleanLossRatio(), seen.CleanShare()
	switch {
	case s.cfg.AllFrames:
		loss, share = seen.LossRatio(), 1
	case share == 0 || seen.Clean != nil && seen.Clean.Offered == 0:
		seen.Reject(Because(NoCleanTime, "no part of the trial was undisturbed"))
	}
	s.seen = append(s.seen, seen)
	return mlrsearch.Result{
		LossRatio: loss, Effective: time.Duration(share * float64(d)), Valid: seen.Valid,
		Short: seen.Invalid.Has(SenderShort) && seen.CleanShare() >= 0.5, Reason: reason(seen),
	}, nil
}

// searchWarnings returns warnings about skipped loads and about an early end of the search.
func searchWarnings(found mlrsearch.Found) []string {
	warnings := []string{}
	for _, s := range found.Skipped {
		warnings = append(warnings, fmt.Sprintf("load %v left out: %d trials, none valid%s", Rate(s.Load), s.Trials, s.Reason))
	}
	if found.Ended != mlrsearch.Complete {
		warnings = append(warnings, found.WhyEnded())
	}
	return warnings
}
