package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/fuzz"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/reports"
)

// defaultFuzzOut is the default directory of a campaign's files.
const defaultFuzzOut = "out/fuzz"

var fuzzListVerb = cli.Verb{
	Name: "fuzz list", Doc: "the fuzz targets: what each attacks",
	Examples: []string{"fuzz list"},
	Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(_ context.Context, s cli.Streams) error {
			for _, t := range fuzz.Targets() {
				fmt.Fprintf(s.Out, "%-16s %s\n", t.Name, t.Doc)
			}
			return nil
		}
	},
}

var fuzzRunVerb = cli.Verb{
	Name: "fuzz run", Doc: "attack decoders until the time is over; what is found is confirmed and written",
	Examples: []string{
		"fuzz run --time 10s",
		"fuzz run --target header,decap --time 5m --engine go-fuzz",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		f := &fuzzRunFlags{}
		set.StringVar(&f.targets, "target", "", "`names` by comma; without, every target that the engine can run, as root all of them")
		set.DurationVar(&f.time, "time", time.Minute, "`duration` for each target")
		set.StringVar(&f.engine, "engine", fuzz.Engines[0], "who makes up inputs: "+strings.Join(fuzz.Engines, ", "))
		set.IntVar(&f.workers, "workers", runtime.NumCPU(), "`number` of inputs at once")
		set.StringVar(&f.out, "out", defaultFuzzOut, "`directory` for findings, reports and the corpus, which a later run goes on with")
		set.BoolVar(&f.seeds, "testdata", true, "put findings into the targets' testdata as well, where go test finds them")
		set.BoolVar(&f.first, "first", false, "be done with a target once something was found")
		return f.run
	},
}

type fuzzRunFlags struct {
	targets, engine, out string
	time                 time.Duration
	workers              int
	seeds, first         bool
}

func (f *fuzzRunFlags) plan() (fuzz.Plan, error) {
	plan := fuzz.Plan{Engine: f.engine, Time: f.time, Workers: f.workers, Out: f.out, Seeds: f.seeds, First: f.first}
	var err error
	if plan.Targets, err = fuzz.Select(f.targets, f.engine, os.Geteuid() == 0); err != nil {
		return plan, cli.BadUsage("--target %w", err)
	}
	switch {
	case f.time < time.Second:
		return plan, cli.BadUsage("--time %v: want a second or more", f.time)
	case f.workers < 1 || f.workers > 1024:
		return plan, cli.BadUsage("--workers %d: want 1 to 1024", f.workers)
	case !slices.Contains(fuzz.Engines, f.engine):
		return plan, cli.BadUsage("--engine %s: use %s", f.engine, strings.Join(fuzz.Engines, ", "))
	}
	plan.Program, err = os.Executable()
	return plan, err
}

func (f *fuzzRunFlags) run(ctx context.Context, s cli.Streams) error {
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	cpu, kernel := lab.Machine()
	c := &report.Campaign{
		Schema: report.Schema, Tool: tool(), Command: os.Args, Started: time.Now().UTC(), CPU: cpu, Kernel: kernel,
	}
	line := cli.NewProgressLine(s.Err)
	plan.Saw = func(t *report.Target) { line.Show("%s", report.Progress(t)) }
	err = fuzz.Record(ctx, plan, c, line.Over(s.Out), func(c *report.Campaign) error { return reports.WriteFuzz(f.out, c) })
	if len(c.Targets) > 0 {
		fmt.Fprintf(s.Err, "%s\n", filepath.Join(f.out, "fuzz.html"))
	}
	return fuzzError(err)
}

// fuzzError gives an error of package fuzz its exit status.
func fuzzError(err error) error {
	if errors.Is(err, fuzz.ErrInput) {
		return cli.BadInput(err)
	}
	return err
}

var fuzzReproVerb = cli.Verb{
	Name: "fuzz repro", Args: "FILE...", Doc: "run inputs of a corpus through a target and say what each does",
	Examples: []string{"fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/*"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		name := set.String("target", "", "`name` of the target")
		return func(ctx context.Context, s cli.Streams) error { return repro(ctx, s, *name, set.Args()) }
	},
}

func repro(ctx context.Context, s cli.Streams, name string, files []string) error {
	t, err := fuzz.Find(name)
	switch {
	case err != nil:
		return cli.BadUsage("--target %s: %w", name, err)
	case t.Harness == nil:
		return cli.BadUsage("target %s is one of go test alone: go test -run '^Fuzz%s$' ./%s", name, t.Function, t.Package)
	case len(files) == 0:
		return cli.BadUsage("fuzz repro: which FILE?")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return fuzzError(fuzz.Repro(ctx, s.Out, t, program, files))
}

var fuzzMergeVerb = cli.Verb{
	Name: "fuzz merge", Args: "DIR...", Doc: "add to a target's testdata what reaches new places in it, the smallest input for each",
	Examples: []string{"fuzz merge --target decap out/fuzz/work/corpus/decap"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		name := set.String("target", "", "`name` of the target")
		return func(ctx context.Context, s cli.Streams) error { return merge(ctx, s, *name, set.Args()) }
	},
}

func merge(ctx context.Context, s cli.Streams, name string, dirs []string) error {
	t, err := fuzz.Find(name)
	if err != nil {
		return cli.BadUsage("--target %s: %w", name, err)
	}
	if t.Harness == nil || len(dirs) == 0 {
		return cli.BadUsage("fuzz merge: want a target with a harness and a DIR of inputs")
	}
	m, err := fuzz.Merge(ctx, t, dirs)
	for _, left := range slices.Concat(m.Skipped, m.Broken) {
		fmt.Fprintf(s.Err, "tunnelbench: left out: %s\n", cli.OneLine(left))
	}
	if err != nil {
		return fuzzError(err)
	}
	fmt.Fprintf(s.Out, "%s: %d inputs, %d kept, %d of them new, in %s\n", t.Name, m.Read, m.Kept, m.Added, m.Dir)
	return fuzzError(m.Err())
}

var fuzzLiveVerb = cli.Verb{
	Name: "fuzz live", Doc: "send mutants to a running tunnel beside a legitimate flow, and say what that suffers",
	Examples: liveExamples, Flags: addLiveFlags,
}

var fuzzReportVerb = cli.Verb{
	Name: "fuzz report", Args: "FILE", Doc: "page, JUnit and SARIF of a campaign that was recorded",
	Examples: []string{"fuzz report --out page out/fuzz/fuzz.json"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		out := set.String("out", defaultFuzzOut, "`directory` for the files")
		return func(ctx context.Context, s cli.Streams) error {
			if set.NArg() != 1 {
				return cli.BadUsage("fuzz report: want one FILE, a fuzz.json")
			}
			c, err := report.ReadFile(ctx, set.Arg(0))
			if err != nil {
				return cli.BadInput(err)
			}
			if err := cli.EnsureDir(*out); err != nil {
				return err
			}
			if err := reports.WriteFuzz(*out, c); err != nil {
				return err
			}
			return cli.Say(s.Out, report.Table(c))
		}
	},
}
