package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/reports"
)

// Plan is a campaign.
type Plan struct {
	Targets []Target
	Engine  string        // one of Engines
	Time    time.Duration // for each target
	Workers int           // of the engine, at once
	Out     string        // folder for what is found
	Program string        // a build of this command, which replays inputs
	Seeds   bool          // write findings into the targets' testdata, too
	First   bool          // a target is done with its first finding

	Saw func(t *reports.FuzzTarget) // called as things happen; may be nil
}

// ErrBudget is a target that was attacked for less time than asked for.
var ErrBudget = errors.New("budget not met")

// Run attacks each target in turn and calls ended with what became of it, so
// that nothing found is lost when a later one fails. Once ctx is done the target at hand is
// ended, and no other is begun.
func Run(ctx context.Context, plan Plan, ended func(reports.FuzzTarget)) error {
	root, err := Root()
	if err != nil {
		return err
	}
	out, err := filepath.Abs(plan.Out)
	if err != nil {
		return err
	}
	plan.Out = out
	p := places{root: root, work: filepath.Join(out, "work"), workers: max(1, plan.Workers)}
	e, err := p.newEngine(plan.Engine)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(p.work, "build"), 0o755); err != nil {
		return err
	}
	for _, t := range plan.Targets {
		if !t.RunsBy(plan.Engine) {
			return fmt.Errorf("%w: target %s is none of engine %s", errors.ErrUnsupported, t.Name, plan.Engine)
		}
	}
	built := map[string]error{}
	for _, t := range plan.Targets {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := &siege{plan: plan, places: p, engine: e, target: t, report: reports.FuzzTarget{
			Name: t.Name, Doc: t.Doc, Package: t.Package, Function: t.Function, Engine: plan.Engine,
		}}
		key := t.Package
		if plan.Engine != nativeEngine {
			key = t.Name
		}
		if _, done := built[key]; !done {
			built[key] = e.build(ctx, t)
		}
		if err := built[key]; errors.Is(err, errors.ErrUnsupported) {
			return err // no target can be built here
		} else if err != nil {
			s.report.Error = oneLine(err.Error())
		} else {
			s.run(ctx)
		}
		ended(s.report)
	}
	return nil
}

// siege is the attack on one target.
type siege struct {
	plan   Plan
	places places
	engine engine
	target Target
	report reports.FuzzTarget
	replay *replayer
}

// stubborn is how many runs in a row may bring nothing but what is known.
const stubborn = 3

func (s *siege) run(ctx context.Context) {
	s.replay = newReplayer(s.target, s.plan.Program)
	defer s.replay.close()
	start := time.Now()
	err := s.start(ctx)
	for known := 0; err == nil && ctx.Err() == nil && known < stubborn && s.left(start) > 0; {
		var fresh, found bool
		found, fresh, err = s.turn(ctx, start)
		switch {
		case fresh && s.plan.First:
			known = stubborn
		case fresh:
			known = 0
		case found:
			known++
		}
	}
	s.report.Elapsed = time.Since(start)
	inputs, _ := readCorpus(s.places.corpus(s.target))
	s.report.Corpus = len(inputs)
	if err == nil && ctx.Err() == nil && len(s.report.Findings) == 0 && s.left(start) > s.plan.Time/10 {
		err = ErrBudget
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.report.Error = oneLine(err.Error())
	}
	s.saw()
}

func (s *siege) left(start time.Time) time.Duration { return s.plan.Time - time.Since(start) }

func (s *siege) saw() {
	if s.plan.Saw != nil {
		s.plan.Saw(&s.report)
	}
}

// start fills the corpus, and asks the oracles of everything in it: a seed that
// breaks one would end every run.
func (s *siege) start(ctx context.Context) error {
	var inputs [][]byte
	if s.target.Seeds != nil {
		inputs = s.target.Seeds()
	}
	committed, skipped := readCorpus(s.target.testdata(s.places.root))
	if skipped != nil {
		return skipped[0]
	}
	for _, data := range append(inputs, committed...) {
		if s.target.Harness == nil {
			continue // go test reads them
		}
		f, err := s.replay.check(ctx, data)
		if err != nil {
			return err
		}
		if !f.None() {
			if _, err := s.found(ctx, data, time.Now()); err != nil {
				return err
			}
		} else if err := s.places.keep(s.target, [][]byte{data}); err != nil {
			return err
		}
	}
	return nil
}

// turn runs the engine once. found: it brought something; fresh: that was not
// known.
func (s *siege) turn(ctx context.Context, start time.Time) (found, fresh bool, err error) {
	offset, before := time.Since(start), s.report.Executions
	result, err := s.engine.run(ctx, s.target, s.left(start), func(sample reports.FuzzSample) {
		sample.Elapsed += offset
		sample.Executions += before
		s.sample(sample)
	})
	s.report.CPUTime += result.cpu
	for _, data := range result.crashers {
		isNew, failed := s.found(ctx, data, start)
		found, fresh, err = true, fresh || isNew, errors.Join(err, failed)
	}
	return found, fresh, err
}

// mostSamples bounds what a report draws; when there are more every second is left out.
const mostSamples = 400

func (s *siege) sample(sample reports.FuzzSample) {
	s.report.Executions = max(s.report.Executions, sample.Executions)
	s.report.Samples = append(s.report.Samples, sample)
	if len(s.report.Samples) > mostSamples {
		kept := s.report.Samples[:0]
		for i := 1; i < len(s.report.Samples); i += 2 {
			kept = append(kept, s.report.Samples[i])
		}
		s.report.Samples = kept
	}
	s.saw()
}

// found confirms an input by replay, makes it smaller and writes it. What is
// not confirmed is kept aside. fresh: it is none that was known.
func (s *siege) found(ctx context.Context, data []byte, start time.Time) (fresh bool, err error) {
	ctx = context.WithoutCancel(ctx) // an interrupt loses nothing
	f, err := s.check(ctx, data)
	if err != nil {
		return false, err
	}
	if f.None() {
		path := filepath.Join(s.plan.Out, "unconfirmed", s.target.Name, inputName(data))
		return false, writeAside(path, data)
	}
	id := f.id(s.target.Name)
	if s.known(id) {
		return false, nil
	}
	data = minimise(ctx, data, func(smaller []byte) bool {
		g, err := s.check(ctx, smaller)
		return err == nil && !g.None() && g.id(s.target.Name) == id
	})
	if g, err := s.check(ctx, data); err == nil && !g.None() {
		f = g // what was seen, of the smaller one
	}
	return s.add(f, data, start)
}

// check runs one input in a process of its own.
func (s *siege) check(ctx context.Context, data []byte) (Fault, error) {
	if n, ok := s.engine.(*native); ok && s.target.Harness == nil {
		return n.check(ctx, s.target, data)
	}
	return s.replay.check(ctx, data)
}

// known counts a finding that is there already.
func (s *siege) known(id string) bool {
	i := slices.IndexFunc(s.report.Findings, func(f reports.Finding) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	s.report.Findings[i].Times++
	return true
}

func (s *siege) add(f Fault, data []byte, start time.Time) (fresh bool, err error) {
	if s.known(f.id(s.target.Name)) {
		return false, nil
	}
	finding := newFinding(s.target, f, data)
	finding.FoundAt, finding.FoundCPU = time.Since(start), s.report.CPUTime
	err = write(s.places, s.plan.Out, s.target, &finding, s.plan.Seeds)
	s.report.Findings = append(s.report.Findings, finding)
	s.saw()
	if err != nil {
		return true, fmt.Errorf("finding %s: %w", finding.ID, err)
	}
	return true, nil
}
