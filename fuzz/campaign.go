package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// Plan is a fuzz campaign.
type Plan struct {
	Targets []Target
	Engine  string        // one of Engines
	Time    time.Duration // for each target
	Workers int           // parallel workers of the engine
	Out     string        // folder for findings
	Program string        // an executable of this command, which replays inputs
	Seeds   bool          // also write findings into the targets' testdata
	First   bool          // end a target at its first finding

	Saw func(t *report.Target) // called with the numbers of a target, once a second at most; may be nil
}

// ErrBudget means that a target was attacked for a shorter time than requested.
var ErrBudget = errors.New("budget not met")

// ErrInput means that an input or a corpus file cannot be read. The error names the file.
var ErrInput = errors.New("input")

// Run attacks each target in turn and passes its result to ended, so that no finding is lost if a later
// target fails. When ctx is done, Run ends the current target and starts no other.
func Run(ctx context.Context, plan Plan, ended func(report.Target)) error {
	c, err := newCampaign(plan)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	for _, t := range plan.Targets {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report, err := c.attack(ctx, t)
		if err != nil {
			return err
		}
		ended(report)
	}
	return ctx.Err() // an interrupted campaign is not clean
}

// campaign is a plan in progress.
type campaign struct {
	plan   Plan
	places places
	engine engine
	built  map[string]error // by package or target, as the engine builds them
}

func newCampaign(plan Plan) (*campaign, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	if plan.Out, err = filepath.Abs(plan.Out); err != nil {
		return nil, err
	}
	c := &campaign{plan: plan, built: map[string]error{}}
	c.places = places{root: root, work: filepath.Join(plan.Out, "work"), workers: max(1, plan.Workers)}
	if c.engine, err = c.places.newEngine(plan.Engine); err != nil {
		return nil, err
	}
	return c, os.MkdirAll(filepath.Join(c.places.work, "build"), 0o755)
}

// check refuses a plan that cannot be run to its end.
func (c *campaign) check() error {
	for _, t := range c.plan.Targets {
		if t.Root && os.Geteuid() > 0 {
			return fmt.Errorf("%w: target %s needs root", errors.ErrUnsupported, t.Name)
		}
		for _, dir := range []string{t.testdata(c.places.root), c.places.corpus(t)} {
			if _, skipped := readCorpus(dir); skipped != nil {
				return fmt.Errorf("%w: %w", ErrInput, skipped[0])
			}
		}
	}
	return nil
}

// attack runs one target. An error means that no target can be attacked on this machine.
func (c *campaign) attack(ctx context.Context, t Target) (report.Target, error) {
	run := &targetRun{plan: c.plan, places: c.places, engine: c.engine, target: t, report: report.Target{
		Name: t.Name, Doc: t.Doc, Package: t.Package, Function: t.Function, Engine: c.plan.Engine,
	}}
	err := c.build(ctx, t)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return run.report, err
	case ctx.Err() != nil:
		run.report.Error = "interrupted"
	case err != nil:
		run.report.Error = oneLine(err.Error())
	default:
		run.run(ctx)
	}
	return run.report, nil
}

// build builds a target, once for each package if the engine can do that.
func (c *campaign) build(ctx context.Context, t Target) error {
	key := t.Name
	if c.plan.Engine == nativeEngine {
		key = t.Package
	}
	if _, done := c.built[key]; !done {
		c.built[key] = c.engine.build(ctx, t)
	}
	return c.built[key]
}
