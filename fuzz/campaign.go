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

// ErrCorpus is a file of a corpus that cannot be read, which is named.
var ErrCorpus = errors.New("corpus")

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
		if t.Root && os.Geteuid() > 0 {
			return fmt.Errorf("%w: target %s needs root", errors.ErrUnsupported, t.Name)
		}
		for _, dir := range []string{t.testdata(root), p.corpus(t)} {
			if _, skipped := readCorpus(dir); skipped != nil {
				return fmt.Errorf("%w: %w", ErrCorpus, skipped[0])
			}
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
		} else if ctx.Err() != nil {
			s.report.Error = "interrupted"
		} else if err != nil {
			s.report.Error = oneLine(err.Error())
		} else {
			s.run(ctx)
		}
		ended(s.report)
	}
	return ctx.Err() // cut short is not clean
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

// stubborn is how many brief runs in a row may bring nothing but what is known or is not
// confirmed: the engine meets it before it does anything else.
const (
	stubborn = 3
	brief    = time.Second
)

func (s *siege) run(ctx context.Context) {
	s.replay = newReplayer(s.target, s.plan.Program)
	defer s.replay.close()
	err := s.start(ctx)
	start := time.Now() // the seeds are not the engine's time
	for known := 0; err == nil && ctx.Err() == nil && known < stubborn && s.left(start) > 0 && !s.done(); {
		var fresh, found bool
		var took time.Duration
		found, fresh, took, err = s.turn(ctx, start)
		switch {
		case fresh || took > brief:
			known = 0
		case found:
			known++
		default: // an engine that ends early without a word would do so again
			known = stubborn
		}
	}
	s.report.Elapsed = time.Since(start)
	inputs, _ := readCorpus(s.places.corpus(s.target))
	s.report.Corpus = len(inputs)
	switch {
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case err == nil && len(s.report.Findings) == 0 && (s.left(start) > s.plan.Time/10 || !s.ran()):
		err = ErrBudget
	}
	if err != nil {
		s.report.Error = oneLine(err.Error())
	}
	s.saw()
}

// done tells whether the first finding was all that was wanted.
func (s *siege) done() bool { return s.plan.First && len(s.report.Findings) > 0 }

// ran tells whether the engine executed anything.
func (s *siege) ran() bool {
	return slices.ContainsFunc(s.report.Samples, func(x reports.FuzzSample) bool { return x.Executions > 0 || x.Coverage > 0 })
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
		f, err := s.check(ctx, data)
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

// turn runs the engine once, for as long as it took. found: it brought something; fresh: that
// was not known.
func (s *siege) turn(ctx context.Context, start time.Time) (found, fresh bool, took time.Duration, err error) {
	offset, before := time.Since(start), s.report.Executions
	result, err := s.engine.run(ctx, s.target, s.left(start), func(sample reports.FuzzSample) {
		sample.Elapsed += offset
		sample.Executions += before
		s.sample(sample)
	})
	took = time.Since(start) - offset
	s.report.CPUTime += result.cpu
	for _, data := range result.crashers {
		isNew, failed := s.found(ctx, data, start)
		found, fresh, err = true, fresh || isNew, errors.Join(err, failed)
	}
	return found, fresh, took, err
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

// found puts an input aside, confirms it by replay, makes it smaller and writes it. What is
// not confirmed stays aside. fresh: it is none that was known.
func (s *siege) found(ctx context.Context, data []byte, start time.Time) (fresh bool, err error) {
	ctx = context.WithoutCancel(ctx) // an interrupt loses nothing
	aside := filepath.Join(s.plan.Out, "unconfirmed", s.target.Name, inputName(data))
	failed := writeAside(aside, data) // on a full disk it may yet be told of
	f, err := s.check(ctx, data)
	if err != nil {
		return false, errors.Join(err, failed)
	}
	if f.None() {
		s.report.Unconfirmed++
		return false, failed
	}
	defer func() {
		if err == nil && failed == nil {
			err = os.Remove(aside)
		}
	}()
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
