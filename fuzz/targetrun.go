package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// targetRun is an attack on one target.
type targetRun struct {
	plan   Plan
	places places
	engine engine
	target Target
	report report.Target
	replay *replayer
	shown  time.Time // when Plan.Saw was called last
}

// A target is given up after maxFutile consecutive runs, each shorter than shortRun, that found only known
// or unconfirmed crashes: the engine then hits the same crash before it does anything else.
const (
	maxFutile = 3
	shortRun  = time.Second
)

func (r *targetRun) run(ctx context.Context) {
	r.replay = newReplayer(r.target, r.plan.Program)
	defer r.replay.close()
	err := r.start(ctx)
	start := time.Now() // running the seeds does not count as engine time
	for futile := 0; err == nil && ctx.Err() == nil && futile < maxFutile && r.left(start) > 0 && !r.done(); {
		var fresh, found bool
		var took time.Duration
		found, fresh, took, err = r.turn(ctx, start)
		switch {
		case fresh || took > shortRun:
			futile = 0
		case found:
			futile++
		default: // an engine that ended early without an error would do so again
			futile = maxFutile
		}
	}
	r.report.Elapsed = time.Since(start)
	inputs, _ := readCorpus(r.places.corpus(r.target))
	r.report.Corpus = len(inputs)
	switch {
	case ctx.Err() != nil:
		err = errors.New("interrupted")
	case err == nil && len(r.report.Findings) == 0 && (r.left(start) > r.plan.Time/10 || !r.ran()):
		err = ErrBudget
	}
	if err != nil {
		r.report.Error = oneLine(err.Error())
	}
	r.saw()
}

// done reports whether the plan wants only one finding and has it.
func (r *targetRun) done() bool { return r.plan.First && len(r.report.Findings) > 0 }

// ran reports whether the engine executed anything.
func (r *targetRun) ran() bool {
	return slices.ContainsFunc(r.report.Samples, func(x report.Sample) bool { return x.Executions > 0 || x.Coverage > 0 })
}

func (r *targetRun) left(start time.Time) time.Duration { return r.plan.Time - time.Since(start) }

func (r *targetRun) saw() {
	if r.plan.Saw == nil || time.Since(r.shown) < time.Second {
		return
	}
	r.shown = time.Now()
	r.plan.Saw(&r.report)
}

// start fills the corpus with the seeds and checks each one first: a seed that breaks an oracle would end
// every run of the engine.
func (r *targetRun) start(ctx context.Context) error {
	var inputs [][]byte
	if r.target.Seeds != nil {
		inputs = r.target.Seeds()
	}
	committed, skipped := readCorpus(r.target.testdata(r.places.root))
	if skipped != nil {
		return skipped[0]
	}
	for _, data := range append(inputs, committed...) {
		f, err := r.check(ctx, data)
		if err != nil {
			return err
		}
		if !f.None() {
			if _, err := r.found(ctx, data, time.Now()); err != nil {
				return err
			}
		} else if err := r.places.keep(r.target, [][]byte{data}); err != nil {
			return err
		}
	}
	return nil
}

// turn runs the engine once and measures the time. found reports whether the engine found a crash, fresh
// whether the crash was new.
func (r *targetRun) turn(ctx context.Context, start time.Time) (found, fresh bool, took time.Duration, err error) {
	offset, before := time.Since(start), r.report.Executions
	result, err := r.engine.run(ctx, r.target, r.left(start), func(sample report.Sample) {
		sample.Elapsed += offset
		sample.Executions += before
		r.sample(sample)
	})
	took = time.Since(start) - offset
	r.report.CPUTime += result.cpu
	for _, data := range result.crashers {
		isNew, failed := r.found(ctx, data, start)
		found, fresh, err = true, fresh || isNew, errors.Join(err, failed)
	}
	return found, fresh, took, err
}

// mostSamples is the most samples in a report. When there are more, every second one is removed.
const mostSamples = 400

func (r *targetRun) sample(sample report.Sample) {
	r.report.Executions = max(r.report.Executions, sample.Executions)
	r.report.Samples = append(r.report.Samples, sample)
	if len(r.report.Samples) > mostSamples {
		kept := r.report.Samples[:0]
		for i := 1; i < len(r.report.Samples); i += 2 {
			kept = append(kept, r.report.Samples[i])
		}
		r.report.Samples = kept
	}
	r.saw()
}

// found saves an input, confirms it by replay, minimises it and writes the finding. An unconfirmed input
// stays in the folder `unconfirmed`. fresh reports whether the finding is new.
func (r *targetRun) found(ctx context.Context, data []byte, start time.Time) (fresh bool, err error) {
	ctx = context.WithoutCancel(ctx) // an interrupt must not lose a finding
	aside := filepath.Join(r.plan.Out, "unconfirmed", r.target.Name, inputName(data))
	failed := writeAside(aside, data) // even if the disk is full, the finding can be reported
	f, err := r.check(ctx, data)
	if err != nil {
		return false, errors.Join(err, failed)
	}
	if f.None() {
		r.report.Unconfirmed++
		return false, failed
	}
	defer func() {
		if err == nil && failed == nil {
			err = os.Remove(aside)
		}
	}()
	id := f.id(r.target.Name)
	if r.known(id) {
		return false, nil
	}
	data = minimise(ctx, data, func(smaller []byte) bool {
		g, err := r.check(ctx, smaller)
		return err == nil && !g.None() && g.id(r.target.Name) == id
	})
	if g, err := r.check(ctx, data); err == nil && !g.None() {
		f = g // the fault of the minimised input
	}
	return r.add(f, data, start)
}

// check runs one input in a separate process.
func (r *targetRun) check(ctx context.Context, data []byte) (Fault, error) {
	if n, ok := r.engine.(*native); ok && r.target.Harness == nil {
		return n.check(ctx, r.target, data)
	}
	return r.replay.check(ctx, data)
}

// known counts a finding again if it is in the report, and reports whether it is.
func (r *targetRun) known(id string) bool {
	i := slices.IndexFunc(r.report.Findings, func(f report.Finding) bool { return f.ID == id })
	if i < 0 {
		return false
	}
	r.report.Findings[i].Times++
	return true
}

func (r *targetRun) add(f Fault, data []byte, start time.Time) (fresh bool, err error) {
	if r.known(f.id(r.target.Name)) {
		return false, nil
	}
	finding := newFinding(r.target, f, data)
	finding.FoundAt, finding.FoundCPU = time.Since(start), r.report.CPUTime
	err = write(r.places, r.plan.Out, r.target, &finding, r.plan.Seeds)
	r.report.Findings = append(r.report.Findings, finding)
	r.saw()
	if err != nil {
		return true, fmt.Errorf("finding %s: %w", finding.ID, err)
	}
	return true, nil
}
