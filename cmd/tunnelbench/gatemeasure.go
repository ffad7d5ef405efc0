package main

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
	"github.com/tunnelbench/tunnelbench/netns"
)

// request says what to build.
func (f *gateFlags) request(s cli.Streams) revision.Request {
	return revision.Request{Repo: f.repo, Base: f.base, Head: f.head, Device: f.dut, Command: f.build, Layouts: f.layouts, Log: s.Err}
}

// counting returns the judge that counts.
func (f *gateFlags) counting(policy gate.Policy, s cli.Streams) *counting.Gate {
	return &counting.Gate{Request: f.request(s), Kernel: f.kernel, Policy: policy.Counts, Out: f.out, Tool: tool()}
}

// measure builds both sides and measures pairs until the verdict is final.
func (f *gateFlags) measure(ctx context.Context, policy gate.Policy, s cli.Streams) error {
	cfg, plan, err := f.parse()
	if err != nil {
		return err
	}
	if f.count {
		return sideFault(f.counting(policy, s).Run(ctx, s))
	}
	if err := lab.CheckRoot(); err != nil { // before the builds, which take minutes
		return err
	}
	noise, err := gate.ReadNoiseFile(ctx, f.noise)
	if err != nil {
		return cli.BadInput(err)
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	builds, err := f.request(s).Build(ctx)
	if err != nil {
		return sideFault(err)
	}
	defer func() { _ = builds.Remove() }()
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	plan.Settings, plan.Goodput = cfg.Settings, goodputOn(l)
	plan.Base, plan.Head = builds.Base.Devices, builds.Head.Devices
	sides := pairs.Sides{Base: f.newSet(builds.Base, l, cfg), Head: f.newSet(builds.Head, l, cfg)}
	sides.Base.Link, sides.Head.Link = plan.Link, plan.Link
	sides.Head.Started = sides.Base.Started
	policy.Bias = noise.Bias(sides.Head.Host)
	run := pairs.Run{
		Policy: policy, Sides: sides, AA: f.aa, Time: f.time, Log: s.Err, OnPair: pairProgress(s),
		Save: func() error { return gate.WriteSets(f.out, sides.Base, sides.Head) },
	}
	pair, err := run.Measure(ctx, compare.On(l), plan)
	err = errors.Join(err, l.Close())
	if len(sides.Head.Turns) == 0 && err != nil {
		return err
	}
	return errors.Join(err, f.finish(&run, noise, pair, s))
}

func (f *gateFlags) parse() (cfg cli.LabConfig, plan pairs.Plan, err error) {
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
func (f *gateFlags) timed() string {
	for _, name := range []string{"metrics", "noise", "history", "time"} {
		if f.set.Changed(name) {
			return name
		}
	}
	return ""
}

// sideFault classifies a build error.
func sideFault(err error) error {
	switch revision.BlameFor(err) {
	case revision.Input:
		return cli.BadInput(err)
	case revision.Machine:
		return cli.MachineFault(err)
	}
	return err
}

func (f *gateFlags) newSet(side *revision.Side, l *lab.Lab, cfg cli.LabConfig) *gate.Set {
	return &gate.Set{
		Schema: gate.SetSchema, Side: side.Name, Tool: tool(), Device: f.dut, Revision: side.Revision, Commit: side.Commit, Builds: side.Builds,
		Command: append([]string{"tunnelbench"}, os.Args[1:]...), Host: l.Describe(cfg.Settings), Seed: cfg.Seed, Started: time.Now().UTC(),
	}
}

// pairProgress shows the number of pairs measured so far.
func pairProgress(s cli.Streams) func(gate.Judgement, int, time.Duration) {
	line := cli.NewProgressLine(s.Err)
	return func(j gate.Judgement, pair int, since time.Duration) {
		line.Show("series %d, pair %d of %d, %d metrics, %v so far", j.Series, pair, j.Pairs, len(j.Metrics), since.Round(time.Second))
	}
}

// finish reports the verdict on the pairs measured so far.
func (f *gateFlags) finish(run *pairs.Run, noise *gate.Noise, pair time.Duration, s cli.Streams) error {
	cli.NewProgressLine(s.Err).Clear()
	if err := run.Save(); err != nil {
		return err
	}
	if f.aa {
		return f.finishNoise(run, cmp.Or(noise, new(gate.Noise)), pair, s)
	}
	j, err := gate.Judge(run.Policy, run.Sides.Base, run.Sides.Head)
	if err != nil {
		return err
	}
	return f.conclude(&j.Report, run.Sides.Base, run.Sides.Head, s)
}

// finishNoise adds the measured noise to the machine's noise file.
func (f *gateFlags) finishNoise(run *pairs.Run, noise *gate.Noise, pair time.Duration, s cli.Streams) error {
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
	_, err := fmt.Fprintf(s.Out, "%s\n%s: %d runs; a gate here takes three times their bias for its margin where that is above %v\n",
		run.Policy.NoiseTable(measured), f.noise, len(noise.Runs), run.Policy.Margin)
	return err
}
