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
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// errFinding is what a verb returns when it found something: exit status 3.
var errFinding = errors.New("finding")

// defaultFuzzOut is where a campaign's files go.
const defaultFuzzOut = "out/fuzz"

var fuzzListVerb = verb{
	name: "fuzz list", doc: "the fuzz targets: what each attacks",
	examples: []string{"fuzz list"},
	flags: func(*pflag.FlagSet) func(context.Context, streams) error {
		return func(_ context.Context, s streams) error {
			for _, t := range fuzz.Targets() {
				fmt.Fprintf(s.out, "%-16s %s\n", t.Name, t.Doc)
			}
			return nil
		}
	},
}

var fuzzRunVerb = verb{
	name: "fuzz run", doc: "attack decoders until the time is over; what is found is confirmed and written",
	examples: []string{
		"fuzz run --time 10s",
		"fuzz run --target header,decap --time 5m --engine go-fuzz",
	},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
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
	all := fuzz.Targets()
	if f.targets == "" {
		for _, t := range all {
			if t.RunsBy(f.engine) && !(t.Root && os.Geteuid() > 0) {
				plan.Targets = append(plan.Targets, t)
			}
		}
	} else {
		for name := range strings.SplitSeq(f.targets, ",") {
			t, err := fuzz.Find(strings.TrimSpace(name))
			if err != nil {
				return plan, badUsage("--target %s: %w", name, err)
			}
			plan.Targets = append(plan.Targets, t)
		}
	}
	switch {
	case f.time < time.Second:
		return plan, badUsage("--time %v: want a second or more", f.time)
	case f.workers < 1 || f.workers > 1024:
		return plan, badUsage("--workers %d: want 1 to 1024", f.workers)
	case !slices.Contains(fuzz.Engines, f.engine):
		return plan, badUsage("--engine %s: use %s", f.engine, strings.Join(fuzz.Engines, ", "))
	}
	for _, t := range plan.Targets {
		if !t.RunsBy(f.engine) {
			return plan, badUsage("--target %s: none of engine %s: native runs every target", t.Name, f.engine)
		}
	}
	var err error
	plan.Program, err = os.Executable()
	return plan, err
}

func (f *fuzzRunFlags) run(ctx context.Context, s streams) error {
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if err := ensureDir(f.out); err != nil {
		return err
	}
	cpu, kernel := lab.Machine()
	c := &report.Campaign{
		Schema: report.Schema, Tool: tool(), Command: os.Args, Started: time.Now().UTC(), CPU: cpu, Kernel: kernel,
	}
	progress := &fuzzProgress{line: newProgressLine(s.err)}
	plan.Saw = progress.saw
	err = fuzz.Run(ctx, plan, func(t report.Target) {
		progress.line.clear()
		c.Targets = append(c.Targets, t)
		fmt.Fprint(s.out, report.Line(t))
		c.Ended = time.Now().UTC()
		if failed := writeFuzz(f.out, c); failed != nil {
			fmt.Fprintf(s.err, "tunnelbench: %s\n", oneLine(failed))
		}
	})
	if errors.Is(err, fuzz.ErrCorpus) {
		return usageError{err}
	}
	if err != nil && len(c.Targets) == 0 {
		return err
	}
	fmt.Fprintf(s.err, "%s\n", filepath.Join(f.out, "fuzz.html"))
	return errors.Join(fuzzVerdict(c), err)
}

// fuzzVerdict is a finding before a target that was not attacked enough.
func fuzzVerdict(c *report.Campaign) error {
	findings, short := 0, 0
	for _, t := range c.Targets {
		findings += len(t.Findings)
		if t.Error != "" {
			short++
		}
	}
	switch {
	case findings > 0:
		return fmt.Errorf("%w: %d in %d targets", errFinding, findings, len(c.Targets))
	case short > 0:
		return fmt.Errorf("%w: %d of %d targets were not attacked to the end", errNoVerdict, short, len(c.Targets))
	}
	return nil
}

// writeFuzz writes every form of a campaign's report.
func writeFuzz(dir string, c *report.Campaign) error {
	html, err1 := reports.FuzzHTML(c)
	junit, err2 := report.JUnit(c)
	sarif, err3 := report.SARIF(c)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	errs := []error{report.Write(filepath.Join(dir, "fuzz.json"), c)}
	for name, data := range map[string][]byte{"fuzz.html": html, "fuzz.junit.xml": junit, "fuzz.sarif": sarif} {
		errs = append(errs, result.WriteFile(filepath.Join(dir, name), data))
	}
	return errors.Join(errs...)
}

// fuzzProgress shows a campaign, once a second at most.
type fuzzProgress struct {
	line progressLine
	last time.Time
}

func (p *fuzzProgress) saw(t *report.Target) {
	if time.Since(p.last) < time.Second {
		return
	}
	p.last = time.Now()
	p.line.show("%s: %d executions, %d findings", t.Name, t.Executions, len(t.Findings))
}

var fuzzReproVerb = verb{
	name: "fuzz repro", args: "FILE...", doc: "run inputs of a corpus through a target and say what each does",
	examples: []string{"fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/*"},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		name := set.String("target", "", "`name` of the target")
		return func(ctx context.Context, s streams) error { return repro(ctx, s, *name, set.Args()) }
	},
}

func repro(ctx context.Context, s streams, name string, files []string) error {
	t, err := fuzz.Find(name)
	switch {
	case err != nil:
		return badUsage("--target %s: %w", name, err)
	case t.Harness == nil:
		return badUsage("target %s is one of go test alone: go test -run '^Fuzz%s$' ./%s", name, t.Function, t.Package)
	case len(files) == 0:
		return badUsage("fuzz repro: which FILE?")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	broken := 0
	for _, path := range files {
		data, err := fuzz.ReadInput(path)
		if err != nil {
			return badUsage("%w", err)
		}
		f, err := fuzz.Replay(ctx, t, program, data)
		if err != nil {
			return err
		}
		if f.None() {
			fmt.Fprintf(s.out, "%s: %d bytes: every oracle holds\n", path, len(data))
			continue
		}
		broken++
		fmt.Fprintf(s.out, "%s: %d bytes: oracle %s: %s\n", path, len(data), f.Oracle, f.Seen)
		for _, frame := range f.Stack {
			fmt.Fprintf(s.out, "  %s:%d %s\n", frame.File, frame.Line, frame.Function)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%w: %d of %d inputs break an oracle", errFinding, broken, len(files))
	}
	return nil
}

var fuzzMergeVerb = verb{
	name: "fuzz merge", args: "DIR...", doc: "add to a target's testdata what reaches new places in it, the smallest input for each",
	examples: []string{"fuzz merge --target decap out/fuzz/work/corpus/decap"},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		name := set.String("target", "", "`name` of the target")
		return func(ctx context.Context, s streams) error {
			t, err := fuzz.Find(*name)
			if err != nil {
				return badUsage("--target %s: %w", *name, err)
			}
			if t.Harness == nil || set.NArg() == 0 {
				return badUsage("fuzz merge: want a target with a harness and a DIR of inputs")
			}
			for _, dir := range set.Args() {
				if info, err := os.Stat(dir); err != nil || !info.IsDir() {
					return badUsage("fuzz merge: %s: no folder of inputs", dir)
				}
			}
			m, err := fuzz.Merge(ctx, t, set.Args())
			for _, left := range slices.Concat(m.Skipped, m.Broken) {
				fmt.Fprintf(s.err, "tunnelbench: left out: %s\n", oneLine(left))
			}
			if errors.Is(err, fuzz.ErrCorpus) {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%s: %d inputs, %d kept, %d of them new, in %s\n", t.Name, m.Read, m.Kept, m.Added, m.Dir)
			switch {
			case len(m.Skipped) > 0:
				return badUsage("fuzz merge: %d files could not be read", len(m.Skipped))
			case len(m.Broken) > 0:
				return fmt.Errorf("%w: %d inputs break an oracle", errFinding, len(m.Broken))
			}
			return nil
		}
	},
}

var fuzzLiveVerb = verb{
	name: "fuzz live", doc: "send mutants to a running tunnel beside a legitimate flow, and say what that suffers",
	examples: liveExamples, flags: addLiveFlags,
}

var fuzzReportVerb = verb{
	name: "fuzz report", args: "FILE", doc: "page, JUnit and SARIF of a campaign that was recorded",
	examples: []string{"fuzz report --out page out/fuzz/fuzz.json"},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		out := set.String("out", defaultFuzzOut, "`directory` for the files")
		return func(_ context.Context, s streams) error {
			if set.NArg() != 1 {
				return badUsage("fuzz report: want one FILE, a fuzz.json")
			}
			f, err := os.Open(set.Arg(0))
			if err != nil {
				return badUsage("%w", err)
			}
			defer f.Close()
			c, err := report.Read(f, set.Arg(0))
			if err != nil {
				return badUsage("%w", err)
			}
			if err := ensureDir(*out); err != nil {
				return err
			}
			fmt.Fprint(s.out, report.Table(c))
			return writeFuzz(*out, c)
		}
	},
}
