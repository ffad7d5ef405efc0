package gating

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/ci/gate/pairs"
	"github.com/tunnelbench/tunnelbench/ci/gate/revision"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/counting"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/netns"
)

// request says what to build.
func (f *flags) request(s cli.Streams) revision.Request {
	return revision.Request{Repo: f.repo, Base: f.base, Head: f.head, Device: f.dut, Command: f.build, Layouts: f.layouts, Log: s.Err, OnDir: f.onDir}
}

// counting returns the judge that counts.
func (f *flags) counting(policy gate.Policy, s cli.Streams) *counting.Gate {
	return &counting.Gate{Request: f.request(s), Kernel: f.kernel, Policy: policy.Counts, Out: f.out, Tool: f.tool()}
}

// measure builds both sides and measures pairs until the verdict is final or the time is over.
func (f *flags) measure(ctx context.Context, policy gate.Policy, s cli.Streams) error {
	cfg, plan, err := f.parse()
	if err != nil {
		return err
	}
	ctx, stop := pairs.Limit(ctx, f.time)
	defer stop()
	guardian, err := netns.StartGuardian(nil)
	if err != nil {
		return err
	}
	defer guardian.Close()
	f.onDir = func(dir string) error { return errors.Join(guardian.RemoveAtEnd(dir), guardian.EndCommands()) }
	if f.count {
		return f.fault(ctx, f.counting(policy, s).Run(ctx, s))
	}
	if err := netns.CheckRoot(); err != nil { // before the builds, which take minutes
		return err
	}
	noise, err := gate.ReadNoiseFile(ctx, f.noise)
	if err != nil {
		return cli.BadInput(err)
	}
	if err := errors.Join(cli.EnsureDir(f.out), gate.Clear(f.out)); err != nil {
		return err
	}
	request := f.request(s)
	request.OneOfSame = true
	builds, err := request.Build(ctx)
	if err != nil {
		return f.ended(ctx, policy, err, s)
	}
	defer func() { _ = builds.Remove() }()
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return f.ended(ctx, policy, err, s)
	}
	plan.Settings, plan.Goodput = cfg.Settings, streams.GoodputOn(l)
	plan.Base, plan.Head = builds.Base.Devices, builds.Head.Devices
	sides := pairs.Sides{Base: f.newSet(builds.Base, l, cfg), Head: f.newSet(builds.Head, l, cfg)}
	sides.Base.Link, sides.Head.Link = plan.Link, plan.Link
	sides.Head.Started = sides.Base.Started
	policy.Bias = noise.Bias(sides.Head.Host)
	run := pairs.Run{
		Policy: policy, Sides: sides, AA: f.aa, Log: s.Err, OnPair: pairProgress(s),
		Save: func() error { return gate.WriteSets(f.out, sides.Base, sides.Head) },
	}
	pair, err := run.Measure(ctx, compare.On(l), plan)
	closed := l.Close()
	var broken pairs.BaseError
	switch {
	case errors.As(err, &broken) && !f.aa:
		return errors.Join(f.unmeasured(policy, sides, brokenVerdict(broken), broken.Error(), s), closed)
	case len(sides.Head.Turns) == 0 && err != nil:
		return errors.Join(err, closed)
	}
	return errors.Join(err, closed, f.finish(&run, noise, pair, s))
}

// ended concludes a gate that has measured nothing: if its time is over, there is no verdict.
func (f *flags) ended(ctx context.Context, policy gate.Policy, err error, s cli.Streams) error {
	if !pairs.TimeOver(ctx) || f.aa {
		return f.fault(ctx, err)
	}
	set := func(side, revision string) *gate.Set {
		return &gate.Set{Side: side, Tool: f.tool(), Device: f.dut, Revision: revision, Command: command()}
	}
	return f.unmeasured(policy, pairs.Sides{Base: set(gate.BaseSide, f.base), Head: set(gate.HeadSide, f.head)}, gate.Inconclusive,
		fmt.Sprintf("its time, --time %v, was over before a pair was measured, builds included: give it more (%v)", f.time, err), s)
}

// unmeasured concludes a gate without pairs.
func (f *flags) unmeasured(policy gate.Policy, sides pairs.Sides, verdict, why string, s cli.Streams) error {
	j, err := gate.Judge(policy, sides.Base, sides.Head)
	if err != nil {
		return err
	}
	j.Report.Metrics = nil
	j.Report.Verdict, j.Report.Why = verdict, cli.OneLine(errors.New(why))
	f.history = "" // there is nothing to draw
	return f.conclude(&j.Report, sides.Base, sides.Head, s)
}

// brokenVerdict returns the verdict on a base that does not work here.
func brokenVerdict(e pairs.BaseError) string {
	if e.Silent() {
		return gate.Inconclusive
	}
	return gate.Environment
}

func (f *flags) parse() (cfg cli.LabConfig, plan pairs.Plan, err error) {
	switch {
	case f.aa && f.base != "":
		return cfg, plan, cli.BadUsage("gate --aa: holds --head against itself: leave --base out")
	case !f.aa && f.base == "":
		return cfg, plan, cli.BadUsage("gate: --base REV says what the change is held against")
	case f.count && f.timed() != "":
		return cfg, plan, cli.BadUsage("gate --count: --%s is for timed pairs: leave it out", f.timed())
	case !f.count && f.kernel != "":
		return cfg, plan, cli.BadUsage("--kernel %s: is for gate --count", f.kernel)
	case f.layouts < 1 || f.layouts > mostLayouts:
		return cfg, plan, cli.BadUsage("--layouts %d: from 1 to %d", f.layouts, mostLayouts)
	case f.time <= 0:
		return cfg, plan, cli.BadUsage("--time %v: must be above zero", f.time)
	}
	if err := revision.CheckDevice(f.dut, f.build); err != nil {
		return cfg, plan, cli.BadInput(err)
	}
	if plan.Link, plan.Shaped, err = f.lab.Nominal(); err != nil {
		return cfg, plan, err
	}
	cfg, err = f.lab.ConfigFor(netns.DefaultWANMTU)
	return cfg, plan, err
}

// timed returns an option of the user that has no meaning for counts.
func (f *flags) timed() string {
	for _, name := range []string{"metrics", "noise", "history"} {
		if f.set.Changed(name) {
			return name
		}
	}
	return ""
}

// fault classifies the error of a gate that measured nothing.
func (f *flags) fault(ctx context.Context, err error) error {
	if err != nil && pairs.TimeOver(ctx) {
		return fmt.Errorf("%w: the time of the gate, %v, is over: %w", cli.ErrNoVerdict, f.time, err)
	}
	switch revision.BlameFor(err) {
	case revision.Input:
		return cli.BadInput(err)
	case revision.Machine:
		return cli.MachineFault(err)
	}
	return err
}

func (f *flags) newSet(side *revision.Side, l *lab.Lab, cfg cli.LabConfig) *gate.Set {
	return &gate.Set{
		Schema: gate.SetSchema, Side: side.Name, Tool: f.tool(), Device: f.dut, Revision: side.Revision, Commit: side.Commit, Commits: side.Commits, Builds: side.Builds,
		Command: command(), Host: l.Describe(cfg.Settings), CongestionControl: cfg.Settings.CongestionControl, Seed: cfg.Seed, Started: time.Now().UTC(),
	}
}

// command is the command line that measures again.
func command() []string { return append([]string{"tunnelbench"}, os.Args[1:]...) }

// pairProgress shows the number of pairs measured so far.
func pairProgress(s cli.Streams) func(gate.Judgement, int, time.Duration) {
	line := cli.NewProgressLine(s.Err)
	return func(j gate.Judgement, pair int, since time.Duration) {
		line.Show("series %d, pair %d of %d, %d metrics, %v so far", j.Series, pair, j.Pairs, len(j.Metrics), since.Round(time.Second))
	}
}

// finish reports the verdict on the pairs measured so far.
func (f *flags) finish(run *pairs.Run, noise *gate.Noise, pair time.Duration, s cli.Streams) error {
	cli.NewProgressLine(s.Err).Clear()
	saved := run.Save()
	if f.aa {
		return errors.Join(f.finishNoise(run, cmp.Or(noise, new(gate.Noise)), pair, s), saved)
	}
	j, err := gate.Judge(run.Policy, run.Sides.Base, run.Sides.Head)
	if err != nil {
		return errors.Join(err, saved)
	}
	if e := j.Report.Ended; e != nil && run.Over {
		e.Time, e.Pair = f.time, pair
	}
	return errors.Join(f.conclude(&j.Report, run.Sides.Base, run.Sides.Head, s), saved)
}

// finishNoise adds the measured noise to the machine's noise file.
func (f *flags) finishNoise(run *pairs.Run, noise *gate.Noise, pair time.Duration, s cli.Streams) error {
	measured := gate.MeasureNoise(run.Sides.Base, run.Sides.Head, pair)
	if len(measured.Metrics) == 0 {
		return fmt.Errorf("%w: no pair had two valid halves", cli.ErrNoVerdict)
	}
	if n := noise.Add(run.Sides.Head.Host, measured); n > 0 {
		fmt.Fprintf(s.Err, "%s: %d runs of another machine are left out\n", f.noise, n)
	}
	if err := noise.WriteFile(f.noise); err != nil {
		return err
	}
	return cli.Say(s.Out, fmt.Sprintf("%s\n%s: %d runs; a gate here takes three times their bias for its margin where that is above %v\n",
		run.Policy.NoiseTable(measured), f.noise, len(noise.Runs), run.Policy.Margin))
}
