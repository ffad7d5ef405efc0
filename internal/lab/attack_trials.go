package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// raid is an attack that is under way.
type raid struct {
	lab     *Lab
	plan    AttackPlan
	bench   *Setup
	end     string   // the node that is attacked
	sender  sender   // puts mutants onto the link
	answers *answers // counts what goes to the stranger
	next    uint64   // number of the next mutant
	memory  int64    // at the last look
	told    map[string]dut.Vitals
	report  AttackReport
}

// schedule is how long a trial is and how many pairs of them there are. One quiet
// trial comes before all pairs: nothing was attacked then.
func (p AttackPlan) schedule() (trial time.Duration, pairs int) {
	const fewest = 2*attackPairs + 2
	trial = min(p.Duration/fewest, longestTrial)
	if fits := time.Duration(mostRoom / mutantRoom / float64(p.Rate) * float64(time.Second)); fits < trial {
		trial = fits
	}
	trial = max(trial, shortestTrial)
	return trial, max(attackPairs, int((p.Duration-2*trial)/(2*trial)))
}

// trials runs them: a quiet one, pairs of a quiet and an attacked one, a quiet one.
func (a *raid) trials(ctx context.Context, load rfc2544.Rate) error {
	length, pairs := a.plan.schedule()
	t := rfc2544.Trial{Size: a.plan.Size, Load: load, Duration: length}
	if err := a.firstLook(); err != nil {
		return err
	}
	for i := range 2*pairs + 2 {
		attacked := i > 0 && i%2 == 0 && i < 2*pairs+1
		for range attackAttempts {
			trial, err := a.trial(ctx, t, attacked)
			if err != nil {
				return err
			}
			if trial.Valid {
				break
			}
		}
	}
	return nil
}

// trial runs one and books it.
func (a *raid) trial(ctx context.Context, t rfc2544.Trial, attacked bool) (seen reports.LiveTrial, err error) {
	if err := a.bench.WaitForFullSpeed(ctx); err != nil {
		return seen, err
	}
	seen = reports.LiveTrial{Attacked: attacked, First: a.next}
	before, err := a.answers.read()
	if err != nil {
		return seen, err
	}
	alive, release := a.bench.UntilDeath(ctx)
	defer release()
	r, sent, err := a.launch(alive, t, attacked)
	if ctx.Err() != nil {
		return seen, ctx.Err()
	}
	died := a.bench.Alive()
	if err != nil && died == nil {
		return seen, err
	}
	a.book(&seen, r, sent)
	after, err := a.answers.read()
	if err != nil {
		return seen, err
	}
	seen.Answers, seen.ICMP = after.other.minus(before.other), after.icmp.minus(before.icmp)
	if died != nil {
		seen.Valid = false
		a.keep(seen)
		a.report.Deaths, a.report.LastWords = a.report.Deaths+1, lastWords(died)
		return seen, fmt.Errorf("%w: %w", ErrDied, died)
	}
	err = a.lookAtMemory(&seen)
	a.keep(seen)
	return seen, err
}

// launch is the engine's run, with the attack beside it where there is one.
func (a *raid) launch(ctx context.Context, t rfc2544.Trial, attacked bool) (r Run, s sent, err error) {
	p := a.bench.Plan(t)
	if attacked {
		if err := a.sender.load(a.next, t.Duration); err != nil {
			return r, s, err
		}
		return a.sender.attack(ctx, a.bench, p)
	}
	r, err = a.bench.Execute(ctx, p)
	return r, s, err
}

// book reads the trial as any other is read, but that frames which nobody sent are
// what a spoofed peer may well bring about: they are counted, not held against the trial.
func (a *raid) book(seen *reports.LiveTrial, r Run, s sent) {
	for i := range r.Ledger.Streams {
		seen.Injected += r.Ledger.Streams[i].Foreign
		r.Ledger.Streams[i].Foreign = 0
	}
	o := a.bench.Observe(r)
	if want := float64(a.plan.Rate) * o.Duration.Seconds(); seen.Attacked && float64(s.all.Frames) < 0.9*want {
		o.Valid = false
		o.Warnings = append(o.Warnings, fmt.Sprintf("invalid: the attacker sent %d of %.0f mutants", s.all.Frames, want))
	}
	seen.Valid, seen.Warnings, seen.Duration, seen.Offered, seen.Lost = o.Valid, o.Warnings, o.Duration, o.Offered, o.Lost
	if o.Latency != nil {
		seen.P50, seen.P99 = o.Latency.P50, o.Latency.P99
	}
	seen.Sent, seen.Strange, seen.Repeats = s.all, s.strange, s.repeats
	a.next += s.numbers
}

// keep puts a trial into the report.
func (a *raid) keep(seen reports.LiveTrial) {
	r := &a.report
	r.Trials = append(r.Trials, seen)
	r.Next = a.next
	for into, t := range map[*reports.Traffic]reports.Traffic{&r.Sent: seen.Sent, &r.Strange: seen.Strange, &r.Answers: seen.Answers, &r.ICMP: seen.ICMP} {
		into.Frames, into.Octets = into.Frames+t.Frames, into.Octets+t.Octets
	}
	if seen.Repeats > 0 && !slices.Contains(r.Notes, noteRepeats) {
		r.Notes = append(r.Notes, noteRepeats)
	}
	if a.plan.OnTrial != nil {
		a.plan.OnTrial(seen)
	}
}

const noteRepeats = "mutants were sent more than once within a trial: there was no room for more"

// firstLook is the memory before all trials, when the load was found and everything is warm.
func (a *raid) firstLook() error {
	if !a.bench.HasProcesses() {
		return nil
	}
	m := &reports.LiveMemory{What: reports.LiveResident}
	if a.tellsVitals() {
		m.What = reports.LiveHeap
	}
	a.report.Memory = m
	var err error
	if m.Before, a.told, err = a.look(); err != nil {
		return err
	}
	a.memory = m.Before
	return nil
}

func (a *raid) tellsVitals() bool { return a.bench.ReportsVitals() }

// look is how much memory the device's processes have, and what they tell.
func (a *raid) look() (octets int64, told map[string]dut.Vitals, err error) {
	if !a.tellsVitals() {
		octets, err = a.bench.Memory()
		return octets, nil, err
	}
	told, err = a.bench.Vitals()
	for _, v := range told {
		octets += int64(v.Heap)
	}
	return octets, told, err
}

// lookAtMemory books what the trial has changed.
func (a *raid) lookAtMemory(seen *reports.LiveTrial) error {
	if a.report.Memory == nil {
		return nil
	}
	now, told, err := a.look()
	if died := a.bench.Alive(); err != nil && died != nil {
		a.report.Deaths, a.report.LastWords = a.report.Deaths+1, lastWords(died)
		return fmt.Errorf("%w: %w", ErrDied, died)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // a busy core, or a tunnel that is: no reading, no judgement
		a.report.Notes = append(a.report.Notes, oneLine(err))
		return nil
	}
	if err != nil {
		return err
	}
	seen.Memory, seen.Grown = now, now-a.memory
	a.memory = now
	if seen.Attacked {
		a.addCounters(told)
	}
	a.told = told
	return nil
}

// addCounters adds what the device counted in an attacked trial.
func (a *raid) addCounters(told map[string]dut.Vitals) {
	for side, v := range told {
		for name, n := range v.Counters {
			by := int64(n) - int64(a.told[side].Counters[name])
			if by == 0 {
				continue
			}
			if a.report.Counters == nil {
				a.report.Counters = map[string]map[string]int64{}
			}
			if a.report.Counters[side] == nil {
				a.report.Counters[side] = map[string]int64{}
			}
			a.report.Counters[side][name] += by
		}
	}
}

// oneLine joins what errors.Join put on lines of their own.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// lastWords are what is worth reading of why a device died: of a Go program that
// panicked the reason, and not its stacks.
func lastWords(died error) string {
	words, _, _ := strings.Cut(oneLine(died), " goroutine ")
	return dut.LastLine(words)
}

// errNoWAN is for devices without a link between two ends.
var errNoWAN = errors.New("no wan link to attack")
