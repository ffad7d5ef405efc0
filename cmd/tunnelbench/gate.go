package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/ci/gate/pairs"
	"github.com/tunnelbench/tunnelbench/ci/gate/revision"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

var gateVerb = verb{
	name: "gate", doc: "judge a change: base against head, by interleaved pairs or from recorded sets",
	args: "[BASE.json HEAD.json]",
	examples: []string{
		"gate --base main --head HEAD",
		"gate --dut exec:./mytunnel.sh --build make --base main --head HEAD",
		"gate --aa",
		"gate out/base.json out/head.json",
	},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		f := &gateFlags{set: set, lab: addLabFlags(set)}
		set.StringVar(&f.base, "base", "", "`revision` that the change is held against")
		set.StringVar(&f.head, "head", "HEAD", "`revision` with the change")
		set.StringVar(&f.repo, "repo", ".", "`directory` of the repository")
		set.StringVar(&f.dut, "dut", "reference", "`device`: a tunnel of this program, or exec: and a path in the repository")
		set.StringVar(&f.build, "build", "", "shell `command` that builds an exec device in its tree")
		set.StringVar(&f.policy, "policy", "", "`file` with metrics, limits and risks (default: ci/gate/policy.yaml of this build)")
		set.StringVar(&f.metrics, "metrics", "", "judge only these `metrics` of the policy, by comma")
		set.IntVar(&f.layouts, "layouts", 4, "`number` of link layouts of each side")
		set.BoolVar(&f.aa, "aa", false, "hold --head against itself in other layouts: how noisy and how biased is this machine?")
		set.StringVar(&f.noise, "noise", "out/noise.json", "`file` that --aa adds to, and from which a gate takes the machine's own bias")
		set.DurationVar(&f.time, "time", 30*time.Minute, "begin no pair after this `time`")
		set.StringVar(&f.history, "history", "", "`file` that gets a line on this run, for report --history")
		set.StringVar(&f.out, "out", "out/gate", "`directory` for base.json, head.json, gate.json, gate.md, gate.junit.xml and gate.txt (benchfmt)")
		return f.run
	},
}

type gateFlags struct {
	set                          *pflag.FlagSet
	lab                          *labFlags
	base, head, repo, dut, build string
	policy, metrics, noise, out  string
	history                      string
	layouts                      int
	aa                           bool
	time                         time.Duration
}

const mostLayouts = 16

func (f *gateFlags) run(ctx context.Context, s streams) error {
	policy, err := f.readPolicy()
	if err != nil {
		return err
	}
	switch n := f.set.NArg(); {
	case n == 2:
		return f.recorded(policy, s)
	case n != 0:
		return badUsage("gate: give the base's set and the head's, or neither")
	}
	return f.measure(ctx, policy, s)
}

// readPolicy is the policy, with the metrics that were asked for.
func (f *gateFlags) readPolicy() (gate.Policy, error) {
	data, name := gate.DefaultPolicy(), "the policy of this build"
	if f.policy != "" {
		file, err := os.Open(f.policy)
		if err != nil {
			return gate.Policy{}, badUsage("--policy %s: %w", f.policy, err)
		}
		defer file.Close()
		name = f.policy
		if data, err = io.ReadAll(io.LimitReader(file, gate.MostPolicy+1)); err != nil {
			return gate.Policy{}, badUsage("--policy %s: %w", f.policy, err)
		}
	}
	p, err := gate.ParsePolicy(data, name)
	if err == nil && f.metrics != "" {
		if p, err = p.Only(strings.Split(f.metrics, ",")); err != nil {
			err = fmt.Errorf("--metrics %s: %w", f.metrics, err)
		}
	}
	if err != nil {
		return p, usageError{err}
	}
	return p, nil
}

// recorded judges two files.
func (f *gateFlags) recorded(policy gate.Policy, s streams) error {
	base, err := readSet(f.set.Arg(0))
	if err != nil {
		return err
	}
	head, err := readSet(f.set.Arg(1))
	if err != nil {
		return err
	}
	noise, err := f.readNoise()
	if err != nil {
		return err
	}
	policy.Bias = noise.Bias(head.Host)
	j, err := gate.Judge(policy, base, head)
	if err != nil {
		return usageError{err}
	}
	if err := ensureDir(f.out); err != nil {
		return err
	}
	return f.tell(&j.Report, base, head, s)
}

func readSet(path string) (*gate.Set, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	defer file.Close()
	set, err := gate.ReadSet(file, path)
	if err != nil {
		return nil, usageError{err}
	}
	return set, nil
}

// measure builds both sides and measures pairs until there is a verdict.
func (f *gateFlags) measure(ctx context.Context, policy gate.Policy, s streams) error {
	cfg, plan, err := f.parse()
	if err != nil {
		return err
	}
	noise, err := f.readNoise()
	if err != nil {
		return err
	}
	if err := ensureDir(f.out); err != nil {
		return err
	}
	base, head, clean, err := f.sides(ctx, s)
	defer clean()
	if err != nil {
		return err
	}
	plan.Settings = cfg.Settings
	plan.Base, plan.Head = base.Devices, head.Devices
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	plan.Goodput = goodputOn(l)
	sets := pairs.Sides{Base: f.newSet(base, l, cfg), Head: f.newSet(head, l, cfg)}
	sets.Base.Link, sets.Head.Link = plan.Link, plan.Link
	sets.Head.Started = sets.Base.Started
	policy.Bias = noise.Bias(sets.Head.Host)
	g := &gateRun{f: f, streams: s, noise: noise, Run: pairs.Run{
		Policy: policy, Sides: sets, AA: f.aa, Time: f.time, Log: s.err, Save: func() error { return f.writeSets(sets.Base, sets.Head) },
	}}
	g.OnPair = g.progress
	g.pair, err = g.Measure(ctx, compare.On(l), plan)
	err = errors.Join(err, l.Close())
	if len(sets.Head.Turns) == 0 && err != nil {
		return err
	}
	return errors.Join(err, g.finish())
}

func (f *gateFlags) parse() (cfg labConfig, plan pairs.Plan, err error) {
	own := !strings.HasPrefix(f.dut, "exec:")
	switch {
	case f.aa && f.base != "":
		return cfg, plan, badUsage("gate --aa: holds --head against itself: leave --base out")
	case !f.aa && f.base == "":
		return cfg, plan, badUsage("gate: --base REV says what the change is held against")
	case f.layouts < 1 || f.layouts > mostLayouts:
		return cfg, plan, badUsage("--layouts %d: from 1 to %d", f.layouts, mostLayouts)
	case f.time <= 0:
		return cfg, plan, badUsage("--time %v: must be above zero", f.time)
	case own && f.build != "":
		return cfg, plan, badUsage("--build: %s is a tunnel of this program, which the gate builds itself", f.dut)
	case !own && f.build == "":
		return cfg, plan, badUsage("--dut %s: --build COMMAND says how its tree is built; write --build true where nothing is", f.dut)
	case !own && (filepath.IsAbs(f.dut[5:]) || !filepath.IsLocal(f.dut[5:])):
		return cfg, plan, badUsage("--dut %s: the path has to be one within the repository", f.dut)
	}
	if own {
		d, err := dut.Parse(f.dut)
		if err != nil {
			return cfg, plan, usageError{err}
		}
		if d.Up == nil || !d.Builtin || d.Build != "" {
			return cfg, plan, badUsage("--dut %s: the gate builds tunnels of this program, and exec: ones", f.dut)
		}
	}
	if plan.Link, plan.Shaped, err = f.lab.nominal(); err != nil {
		return cfg, plan, err
	}
	cfg, err = f.lab.config()
	return cfg, plan, err
}

// sides builds both. What it returns takes the builds away, whatever the error is.
func (f *gateFlags) sides(ctx context.Context, s streams) (base, head *revision.Side, clean func(), err error) {
	clean = func() {}
	dir, err := os.MkdirTemp("", "tunnelbench-gate-")
	if err != nil {
		return nil, nil, clean, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	repo, err := filepath.Abs(f.repo)
	if err != nil {
		return nil, nil, clean, err
	}
	builder := revision.Builder{Repo: repo, Dir: dir, Device: f.dut, Command: f.build, Log: s.err}
	root, err := builder.Root(ctx)
	if err != nil {
		return nil, nil, clean, badUsage("--repo %s: %w", f.repo, err)
	}
	builder.Repo = root
	base, head = &revision.Side{Name: gate.BaseSide, Revision: f.base}, &revision.Side{Name: gate.HeadSide, Revision: f.head}
	shift := 0 // both sides have the same layouts, so that equal sources make equal binaries
	if f.aa {
		base.Revision, shift = f.head, f.layouts
	}
	if err := errors.Join(builder.Resolve(ctx, base), builder.Resolve(ctx, head)); errors.Is(err, revision.ErrUnknown) {
		return nil, nil, clean, usageError{err}
	} else if err != nil {
		return nil, nil, clean, err
	}
	for _, side := range []*revision.Side{head, base} { // the head first: it is the likelier one to fail
		var layouts []int
		for i := range f.layouts {
			if side == head {
				i += shift
			}
			layouts = append(layouts, i)
		}
		if err := builder.Make(ctx, side, layouts); err != nil {
			return nil, nil, clean, f.buildFault(err)
		}
	}
	return base, head, clean, nil
}

// buildFault is bad input where the head does not build; else the environment's.
func (f *gateFlags) buildFault(err error) error {
	var b revision.BuildError
	switch {
	case !errors.As(err, &b):
		return err
	case b.Side == gate.HeadSide:
		return usageError{err}
	}
	return machineError{err}
}

func (f *gateFlags) newSet(side *revision.Side, l *lab.Lab, cfg labConfig) *gate.Set {
	return &gate.Set{
		Schema: gate.SetSchema, Side: side.Name, Tool: tool(), Device: f.dut, Revision: side.Revision, Commit: side.Commit, Builds: side.Builds,
		Command: append([]string{"tunnelbench"}, os.Args[1:]...), Host: l.Describe(cfg.Settings), Seed: cfg.Seed, Started: time.Now().UTC(),
	}
}

// gateRun is a gate that measures.
type gateRun struct {
	f       *gateFlags
	streams streams
	noise   *gate.Noise // of this machine, as far as it was measured
	pairs.Run
	pair time.Duration // that one takes
}

func (g *gateRun) progress(j gate.Judgement, pair int, since time.Duration) {
	if colour(g.streams.err) {
		fmt.Fprintf(g.streams.err, "%sseries %d, pair %d of %d, %d metrics, %v so far", clearLine, j.Series, pair, j.Pairs, len(j.Metrics), since.Round(time.Second))
	}
}

// finish judges what there is, and reports it.
func (g *gateRun) finish() error {
	if colour(g.streams.err) {
		fmt.Fprint(g.streams.err, clearLine)
	}
	base, head := g.Sides.Base, g.Sides.Head
	if err := g.f.writeSets(base, head); err != nil {
		return err
	}
	if g.f.aa {
		return g.finishNoise()
	}
	j, err := gate.Judge(g.Policy, base, head)
	if err != nil {
		return err
	}
	return g.f.tell(&j.Report, base, head, g.streams)
}

// finishNoise adds what was measured to what is known of this machine.
func (g *gateRun) finishNoise() error {
	run := gate.MeasureNoise(g.Sides.Base, g.Sides.Head, g.pair)
	if len(run.Metrics) == 0 {
		return fmt.Errorf("%w: no pair had two valid halves", errNoVerdict)
	}
	if g.noise == nil {
		g.noise = new(gate.Noise)
	}
	if n := g.noise.Add(g.Sides.Head.Host, run); n > 0 {
		fmt.Fprintf(g.streams.err, "%s: %d runs of another machine are left out\n", g.f.noise, n)
	}
	data, err := gate.EncodeNoise(g.noise)
	if err == nil {
		err = ensureDir(filepath.Dir(g.f.noise))
	}
	if err == nil {
		err = result.WriteFile(g.f.noise, data)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.streams.out, "%s\n%s: %d runs; a gate here takes three times their bias for its margin where that is above %v\n",
		g.Policy.NoiseTable(run), g.f.noise, len(g.noise.Runs), g.Policy.Margin)
	return err
}

// readNoise is what is known of a machine; nil when nothing is.
func (f *gateFlags) readNoise() (*gate.Noise, error) {
	data, err := os.ReadFile(f.noise)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, usageError{err}
	}
	n, err := gate.ParseNoise(data, f.noise)
	if err != nil {
		return nil, usageError{err}
	}
	return n, nil
}

func (f *gateFlags) writeSets(sets ...*gate.Set) error {
	for _, set := range sets {
		data, err := gate.EncodeSet(set)
		if err != nil {
			return err
		}
		if err := result.WriteFile(filepath.Join(f.out, set.Side+".json"), data); err != nil {
			return err
		}
	}
	return nil
}

// tell prints the verdict, writes it in every form, and returns it as an error unless the
// change passes.
func (f *gateFlags) tell(g *gate.Report, base, head *gate.Set, s streams) error {
	text, err := gate.Encode(g)
	if err != nil {
		return err
	}
	junit, err := gate.JUnit(g)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"gate.json": text, "gate.md": []byte(gate.Markdown(g)), "gate.junit.xml": junit, "gate.txt": []byte(gate.Benchfmt(base, head)),
	} {
		if err := result.WriteFile(filepath.Join(f.out, name), data); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(s.out, gate.Table(g)); err != nil {
		return err
	}
	if err := f.remember(g, head); err != nil {
		return err
	}
	switch {
	case f.aa || g.Verdict == gate.Pass:
		return nil
	case g.Verdict == gate.Fail:
		return fmt.Errorf("%w: %s", errRegression, g.Why)
	case g.Verdict == gate.Environment:
		return machineError{errors.New(g.Why)}
	}
	return fmt.Errorf("%w: %s", errNoVerdict, g.Why)
}

// remember adds a line to the history, where one is kept.
func (f *gateFlags) remember(g *gate.Report, head *gate.Set) error {
	if f.history == "" {
		return nil
	}
	line, err := gate.HistoryLine(g, head.Started)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.history, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return badUsage("--history: %w", err)
	}
	_, err = file.Write(line)
	return errors.Join(err, file.Close())
}

// errRegression is a change that fails the gate: exit status 3.
var errRegression = errors.New("regression")
