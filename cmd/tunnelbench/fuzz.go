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
	progress := &fuzzProgress{line: cli.NewProgressLine(s.Err)}
	plan.Saw = progress.saw
	err = fuzz.Run(ctx, plan, func(t report.Target) {
		progress.line.Clear()
		c.Targets = append(c.Targets, t)
		fmt.Fprint(s.Out, report.Line(t))
		c.Ended = time.Now().UTC()
		if failed := reports.WriteFuzz(f.out, c); failed != nil {
			fmt.Fprintf(s.Err, "tunnelbench: %s\n", cli.OneLine(failed))
		}
	})
	if errors.Is(err, fuzz.ErrCorpus) {
		return cli.BadInput(err)
	}
	if err != nil && len(c.Targets) == 0 {
		return err
	}
	fmt.Fprintf(s.Err, "%s\n", filepath.Join(f.out, "fuzz.html"))
	return errors.Join(fuzzVerdict(c), err)
}

// fuzzVerdict returns the error for a campaign. A finding takes precedence over a target that was
// not fuzzed long enough.
func fuzzVerdict(c *report.Campaign) error {
	switch findings, short := c.Findings(), c.Unfinished(); {
	case findings > 0:
		return fmt.Errorf("%w: %d in %d targets", cli.ErrFinding, findings, len(c.Targets))
	case short > 0:
		return fmt.Errorf("%w: %d of %d targets were not attacked to the end", cli.ErrNoVerdict, short, len(c.Targets))
	}
	return nil
}

// fuzzProgress shows a campaign's progress at most once per second.
type fuzzProgress struct {
	line cli.ProgressLine
	last time.Time
}

func (p *fuzzProgress) saw(t *report.Target) {
	if time.Since(p.last) < time.Second {
		return
	}
	p.last = time.Now()
	p.line.Show("%s: %d executions, %d findings", t.Name, t.Executions, len(t.Findings))
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
	broken, err := fuzz.Repro(ctx, s.Out, t, program, files)
	switch {
	case errors.Is(err, fuzz.ErrInput):
		return cli.BadInput(err)
	case err != nil:
		return err
	case broken > 0:
		return fmt.Errorf("%w: %d of %d inputs break an oracle", cli.ErrFinding, broken, len(files))
	}
	return nil
}

var fuzzMergeVerb = cli.Verb{
	Name: "fuzz merge", Args: "DIR...", Doc: "add to a target's testdata what reaches new places in it, the smallest input for each",
	Examples: []string{"fuzz merge --target decap out/fuzz/work/corpus/decap"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		name := set.String("target", "", "`name` of the target")
		return func(ctx context.Context, s cli.Streams) error {
			t, err := fuzz.Find(*name)
			if err != nil {
				return cli.BadUsage("--target %s: %w", *name, err)
			}
			if t.Harness == nil || set.NArg() == 0 {
				return cli.BadUsage("fuzz merge: want a target with a harness and a DIR of inputs")
			}
			for _, dir := range set.Args() {
				if info, err := os.Stat(dir); err != nil || !info.IsDir() {
					return cli.BadUsage("fuzz merge: %s: no folder of inputs", dir)
				}
			}
			m, err := fuzz.Merge(ctx, t, set.Args())
			for _, left := range slices.Concat(m.Skipped, m.Broken) {
				fmt.Fprintf(s.Err, "tunnelbench: left out: %s\n", cli.OneLine(left))
			}
			if errors.Is(err, fuzz.ErrCorpus) {
				return cli.BadInput(err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s: %d inputs, %d kept, %d of them new, in %s\n", t.Name, m.Read, m.Kept, m.Added, m.Dir)
			switch {
			case len(m.Skipped) > 0:
				return cli.BadUsage("fuzz merge: %d files could not be read", len(m.Skipped))
			case len(m.Broken) > 0:
				return fmt.Errorf("%w: %d inputs break an oracle", cli.ErrFinding, len(m.Broken))
			}
			return nil
		}
	},
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
		return func(_ context.Context, s cli.Streams) error {
			if set.NArg() != 1 {
				return cli.BadUsage("fuzz report: want one FILE, a fuzz.json")
			}
			f, err := os.Open(set.Arg(0))
			if err != nil {
				return cli.BadUsage("%w", err)
			}
			defer f.Close()
			c, err := report.Read(f, set.Arg(0))
			if err != nil {
				return cli.BadUsage("%w", err)
			}
			if err := cli.EnsureDir(*out); err != nil {
				return err
			}
			fmt.Fprint(s.Out, report.Table(c))
			return reports.WriteFuzz(*out, c)
		}
	},
}
