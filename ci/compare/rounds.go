package compare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// maxFailures is the number of rounds in a row in which a device may fail before it is left out, and
// of rounds in which the lab may fail before the comparison ends.
const maxFailures = 3

// ErrNothingToCompare is wrapped by the error if fewer than two devices come up.
var ErrNothingToCompare = errors.New("nothing to compare")

// without returns the plan without the devices that failed in the pilot; errs has a reason for each.
// They stay in the results without samples, behind the others: the first device is what the others are
// compared with.
func (p Plan) without(errs []error, c *result.Comparison) (Plan, error) {
	var names []string
	var devices, gone []dut.Device
	for k, err := range errs {
		if err == nil {
			names, devices = append(names, p.Names[k]), append(devices, p.Devices[k])
		}
	}
	for k, err := range errs {
		if err != nil {
			names, gone = append(names, p.Names[k]), append(gone, p.Devices[k])
			c.LeftOut = append(c.LeftOut, leftOut(p.Names[k], 0, err))
		}
	}
	p.Names, p.Devices = names, append(devices, gone...)
	p.describe(c)
	if len(devices) < min(2, len(errs)) {
		return p, fmt.Errorf("%w: %w", ErrNothingToCompare, errors.Join(errs...))
	}
	return p, nil
}

// leftOut describes a device that is measured no more.
func leftOut(name string, round int, err error) result.LeftOut {
	return result.LeftOut{Device: name, Round: round, Why: oneLine(err), Unsupported: round == 0 && errors.Is(err, errors.ErrUnsupported)}
}

// progress is the state of the rounds.
type progress struct {
	Plan
	c        *result.Comparison
	out      []bool // by device: it is measured no more
	failures []int  // by device: rounds in a row in which it failed
	troubles int    // rounds in which the lab failed
	fewest   int    // pairs that an interval takes
	begun    time.Time
	longest  time.Duration // of a round
}

// rounds measures round by round, the devices of each in random order.
func (p Plan) rounds(ctx context.Context, l Lab, c *result.Comparison, r Round) error {
	s := progress{
		Plan: p, c: c, out: make([]bool, len(p.Devices)), failures: make([]int, len(p.Devices)),
		fewest: stats.FewestPairs(c.EachConfidence()), begun: time.Now(),
	}
	for _, gone := range c.LeftOut {
		s.out[slices.Index(p.Names, gone.Device)] = true
	}
	random := rand.New(rand.NewPCG(p.Settings.Seed, uint64(p.Rounds)))
	for round := 0; s.another(round); round++ {
		begun := time.Now()
		order := random.Perm(len(p.Devices))
		turns, errs := s.round(ctx, l, r, round, order)
		if ctx.Err() != nil {
			return ctx.Err() // drop an incomplete round
		}
		err := s.note(round, errs)
		if err != nil && round == 0 {
			return err
		}
		addRound(c, order, turns)
		if p.OnRound != nil {
			p.OnRound()
		}
		if err != nil {
			return err
		}
		s.longest = max(s.longest, time.Since(begun))
	}
	return nil
}

// another reports whether another round is measured: one of those that were asked for, or one more
// because a pair was lost that an interval takes. Rounds that an interval takes in any case may exceed
// the time limit.
func (s *progress) another(round int) bool {
	inTime := s.Time == 0 || time.Since(s.begun)+s.longest <= s.Time
	switch {
	case s.alone():
		return false
	case round < min(s.Rounds, s.fewest):
		return true
	case round < s.Rounds && !inTime:
		s.c.Warnings = append(s.c.Warnings, fmt.Sprintf("ended after %d of %d rounds: another would not fit into %v", round, s.Rounds, s.Time))
		return false
	case round < s.Rounds:
		return true
	}
	return inTime && s.fewest <= s.Rounds && round < 2*s.Rounds && s.lacksPairs()
}

// alone reports whether nothing is left to compare: the first device is left out, or all others are.
func (s *progress) alone() bool {
	return s.out[0] || len(s.out) > 1 && !slices.Contains(s.out[1:], false)
}

// lacksPairs reports whether a device has some pairs of a metric, and too few for an interval.
func (s *progress) lacksPairs() bool {
	for _, m := range s.c.Metrics {
		for k := 1; k < len(s.out); k++ {
			pairs := len(stats.LogRatios(m.Samples[0], m.Samples[k]))
			if !s.out[k] && pairs > 0 && pairs < s.fewest {
				return true
			}
		}
	}
	return false
}

// round measures one round. Values and errors are in the order of the plan's devices.
func (s *progress) round(ctx context.Context, l Lab, r Round, round int, order []int) (turns []map[string]float64, errs []error) {
	order = slices.DeleteFunc(slices.Clone(order), func(k int) bool { return s.out[k] })
	var devices []dut.Device
	for _, k := range order {
		devices = append(devices, s.Devices[k])
	}
	if s.OnTurn != nil {
		r.OnTurn = func(i int) { s.OnTurn(round, s.Names[order[i]]) }
	}
	turns, errs = make([]map[string]float64, len(s.Devices)), make([]error, len(s.Devices))
	values, failed := r.Measure(ctx, l, devices)
	for i, k := range order {
		turns[k], errs[k] = values[i], failed[i]
	}
	return turns, errs
}

// note notes what failed in a round, and leaves out the devices that fail again and again. It returns
// an error of the lab if measuring on makes no sense.
func (s *progress) note(round int, errs []error) error {
	var trouble error
	for k, err := range errs {
		if err == nil {
			s.failures[k] = 0
			continue
		}
		s.c.Warnings = append(s.c.Warnings, fmt.Sprintf("round %d, %s: %s", round+1, s.Names[k], oneLine(err)))
		if !deviceFailed(err) {
			trouble = err
			continue
		}
		if s.failures[k]++; s.failures[k] == maxFailures {
			s.out[k] = true
			s.c.LeftOut = append(s.c.LeftOut, leftOut(s.Names[k], round+1, err))
		}
	}
	if trouble == nil {
		return nil
	}
	if s.troubles++; s.troubles == maxFailures || round == 0 {
		return trouble
	}
	return nil
}
