package live

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/oneline"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Result is the result of an attack, with the data for its capture.
type Result struct {
	DeviceReport

	mutants *mutate.Stream
	rate    rfc2544.Rate
}

// Observer follows the progress of an attack. Each function may be nil.
type Observer struct {
	OnRate  func(d dut.Device, forwarding, load rfc2544.Rate) // the load has been chosen
	OnTrial func(DeviceReport)                                // a trial has ended, the last one of the report so far
}

// Attack runs quiet and attacked trials alternately, all at the same load, and compares them. The
// error says why the lab could not measure; faults of the device are findings of the result.
func Attack(ctx context.Context, open Open, d dut.Device, p Plan, o Observer) (Result, error) {
	p = p.For(d)
	a := &attackRun{plan: p, observer: o, next: p.First, device: d}
	a.result = Result{rate: p.Rate, DeviceReport: DeviceReport{
		DUT: d.Spec, Protocol: d.Protocol, Mutants: p.Kind.String(), First: p.First, Next: p.First, Tolerance: p.Tolerance,
		Findings: []Finding{}, Notes: []string{}, Trials: []Trial{},
	}}
	if a.result.Tolerance == 0 {
		a.result.Tolerance = DefaultTolerance
	}
	err := a.run(ctx, open)
	if err != nil && !errors.Is(err, lab.ErrDied) {
		a.result.Error = oneLine(err)
		if errors.Is(err, errors.ErrUnsupported) {
			a.result.Unsupported = a.result.Error
		}
		return a.result, err
	}
	return a.result, nil
}

// attackRun is an attack in progress.
type attackRun struct {
	plan     Plan
	observer Observer
	device   dut.Device
	target   Target
	next     uint64        // number of the next mutant
	memory   MemoryReading // the last reading
	missed   bool          // the trial after it gave none
	result   Result
}

func (a *attackRun) run(ctx context.Context, open Open) error {
	target, err := open(ctx, a.device, a.plan)
	if err != nil {
		return err
	}
	a.target = target
	a.describe(target.Attacker())
	err = a.measure(ctx)
	if errors.Is(err, lab.ErrDied) && a.result.Deaths == 0 {
		a.result.Error = "before the attack: " + stderrTail(err)
	}
	a.result.classify()
	return errors.Join(err, target.Close())
}

func (a *attackRun) describe(at Attacker) {
	r := &a.result
	r.Attacked, r.Sender, r.mutants = at.End, at.Sender, a.plan.mutants(at.Path)
	r.Notes = append(r.Notes, at.Notes...)
	for _, port := range at.Path.Ports {
		r.Ports = append(r.Ports, int(port))
	}
}

// measure chooses the load and runs the trials.
func (a *attackRun) measure(ctx context.Context) error {
	forwards, err := a.target.ForwardingRate(ctx, a.plan.Size)
	if err != nil {
		return err
	}
	if forwards == 0 {
		a.result.Error = "it forwarded nothing before the attack"
		return nil
	}
	load := a.plan.Load
	if a.plan.Share > 0 {
		load = max(lab.MinRate, lab.RoundLoad(rfc2544.Rate(a.plan.Share)*forwards))
	}
	a.result.ForwardingRate, a.result.Load = float64(forwards), float64(load)
	if a.observer.OnRate != nil {
		a.observer.OnRate(a.device, forwards, load)
	}
	return a.trials(ctx, load)
}

// trials runs a quiet trial, pairs of a quiet and an attacked one, and a quiet one.
func (a *attackRun) trials(ctx context.Context, load rfc2544.Rate) error {
	length, pairs := a.plan.schedule()
	t := rfc2544.Trial{Size: a.plan.Size, Load: load, Duration: length}
	if err := a.firstMemory(); err != nil {
		return err
	}
	for i := range 2*pairs + 2 {
		attacked := i > 0 && i%2 == 0 && i < 2*pairs+1
		for range maxAttempts {
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

// trial runs one trial and records it.
func (a *attackRun) trial(ctx context.Context, t rfc2544.Trial, attacked bool) (Trial, error) {
	seen, err := a.target.Trial(ctx, TrialPlan{Trial: t, Attacked: attacked, First: a.next})
	switch {
	case ctx.Err() != nil:
		return Trial{}, ctx.Err()
	case err != nil && !errors.Is(err, lab.ErrDied):
		return Trial{}, err
	}
	trial := a.trialOf(seen, attacked)
	a.next += seen.Mutants.Used
	if err == nil {
		err = a.readMemory(&trial)
	} else {
		trial.died()
		a.recordDeath(err)
	}
	a.record(trial)
	return trial, err
}

// trialOf converts a trial for the report. A trial with less than nine tenths of the intended mutants is invalid.
func (a *attackRun) trialOf(seen Seen, attacked bool) Trial {
	o := seen.Flow
	if want := float64(a.plan.Rate) * o.Duration.Seconds(); attacked && float64(seen.Mutants.All.Frames) < 0.9*want {
		o.Reject(rfc2544.Because(rfc2544.AttackShort, "the attacker sent %d of %.0f mutants", seen.Mutants.All.Frames, want))
	}
	t := Trial{
		Attacked: attacked, First: a.next, Valid: o.Valid, Invalid: o.Invalid, Warnings: o.Warnings, Duration: o.Duration, Offered: o.Offered, Lost: o.Lost,
		Injected: seen.Injected, Sent: seen.Mutants.All, Unknown: seen.Mutants.Unknown, Repeats: seen.Mutants.Repeats,
		Answers: seen.Answers, Cookies: seen.Cookies, ICMP: seen.ICMP, Clean: o.Clean, Disturbed: o.Disturbed, Taken: seen.Taken,
	}
	if o.Latency != nil {
		t.P50, t.P99 = o.Latency.P50, o.Latency.P99
	}
	return t
}

// died marks the trial as invalid because the device ended, unless that is recorded already.
func (t *Trial) died() {
	if t.Valid = false; !t.Invalid.Has(rfc2544.DUTDied) {
		t.Invalid = append(t.Invalid, rfc2544.Because(rfc2544.DUTDied, "the device ended during the trial"))
	}
}

// record adds a trial to the report.
func (a *attackRun) record(t Trial) {
	r := &a.result
	r.Trials = append(r.Trials, t)
	r.Next = a.next
	r.Sent, r.Unknown = r.Sent.plus(t.Sent), r.Unknown.plus(t.Unknown)
	r.Answers, r.Cookies, r.ICMP = r.Answers.plus(t.Answers), r.Cookies.plus(t.Cookies), r.ICMP.plus(t.ICMP)
	if t.Repeats > 0 && !slices.Contains(r.Notes, noteRepeats) {
		r.Notes = append(r.Notes, noteRepeats)
	}
	if a.observer.OnTrial != nil {
		soFar := r.DeviceReport
		soFar.Quiet, soFar.Attack, soFar.Error = band(r.Trials, false), band(r.Trials, true), notEnded
		a.observer.OnTrial(soFar)
	}
}

// notEnded is the reason why a report of an attack in progress has no verdict.
const notEnded = "the attack did not end"

const noteRepeats = "mutants were sent more than once within a trial: memory limits their number"

func (a *attackRun) recordDeath(died error) {
	a.result.Deaths, a.result.StderrTail = a.result.Deaths+1, stderrTail(died)
}

// firstMemory reads the memory before all trials, when the device is warm.
func (a *attackRun) firstMemory() (err error) {
	if a.memory, err = a.target.Memory(); err != nil || a.memory.What == "" {
		return err
	}
	a.result.Memory = &Memory{What: a.memory.What, Before: a.memory.Bytes}
	return nil
}

// readMemory reads the memory and counters, and records their change since the last reading.
func (a *attackRun) readMemory(t *Trial) error {
	if a.result.Memory == nil {
		return nil
	}
	now, err := a.target.Memory()
	switch {
	case errors.Is(err, lab.ErrDied):
		a.recordDeath(err)
		return err
	case errors.Is(err, os.ErrDeadlineExceeded): // the core or the tunnel is busy: skip this reading
		a.result.Notes, a.missed = append(a.result.Notes, oneLine(err)), true
		return nil
	case err != nil:
		return err
	}
	if a.missed { // the growth is of this trial and the one before
		a.memory, a.missed = now, false
		return nil
	}
	t.Memory, t.Grown = now.Bytes, now.Bytes-a.memory.Bytes
	if t.Attacked {
		a.addCounters(now.Counters)
	}
	a.memory = now
	return nil
}

// addCounters adds the increase of the device's counters since the last reading.
func (a *attackRun) addCounters(now map[string]map[string]uint64) {
	for side, counters := range now {
		for name, n := range counters {
			by := int64(n) - int64(a.memory.Counters[side][name])
			if by == 0 {
				continue
			}
			if a.result.Counters == nil {
				a.result.Counters = map[string]map[string]int64{}
			}
			if a.result.Counters[side] == nil {
				a.result.Counters[side] = map[string]int64{}
			}
			a.result.Counters[side][name] += by
		}
	}
}

// oneLine joins the lines of an error with semicolons.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// stderrTail returns the end of what a device wrote before it died. For a panic of a Go program it returns
// the reason without the stacks.
func stderrTail(died error) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(oneLine(died), lab.ErrDied.Error()+": "), " goroutine ")
	return oneline.Last(text)
}
