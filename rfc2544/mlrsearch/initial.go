package mlrsearch

import (
	"context"
	"math"
	"time"
)

// initial brackets the capacity with a few of the shortest trials: what an overloaded device
// forwards is a good first estimate of it.
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
		guess := seen.Load * (1 - seen.LossRatio) / (1 - loss)
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

// shortest returns duration, loss ratio and width of the least demanding targets.
func (s *searcher) shortest() (trial time.Duration, loss float64, width int) {
	trial, loss, width = math.MaxInt64, 1, math.MaxInt
	for _, sel := range s.selectors {
		t := sel.targets[0]
		trial, loss, width = min(trial, t.trial), min(loss, t.loss), min(width, t.width)
	}
	return trial, loss, width
}

// highest measures the highest load that the tester can offer. Starting at Config.Max it halves the
// load until a trial is valid; seen is nil if none is.
func (s *searcher) highest(ctx context.Context, trial time.Duration) (step int, seen *Trial, err error) {
	for step = s.grid.last; ; step = s.grid.floor(s.grid.load(step) / 2) {
		seen, err = s.measure(ctx, step, trial)
		if err != nil || seen != nil || step == 0 {
			return step, seen, err
		}
	}
}
