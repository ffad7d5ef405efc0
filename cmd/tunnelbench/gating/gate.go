// Package gating is the verb `gate`.
package gating

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Verb returns the verb `gate` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "gate", Doc: "judge a change: base against head, by interleaved pairs or from recorded sets",
		Args: "[BASE.json HEAD.json]",
		Examples: []string{
			"gate --base main --head HEAD",
			"gate --dut exec:./mytunnel.sh --build make --base main --head HEAD",
			"gate --count --base main --head HEAD",
			"gate out/gate/base.json out/gate/head.json",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &flags{tool: tool, set: set, lab: cli.AddLabFlags(set)}
			set.StringVar(&f.base, "base", "", "`revision` that the change is held against")
			set.StringVar(&f.head, "head", "HEAD", "`revision` with the change")
			set.StringVar(&f.repo, "repo", ".", "`directory` of the repository")
			set.StringVar(&f.dut, "dut", "reference", "`device`: a tunnel of this program, or exec: and a path in the repository")
			set.StringVar(&f.build, "build", "", "shell `command` that builds an exec device in its tree")
			set.StringVar(&f.policy, "policy", "", "`file` with metrics, limits and risks (default: ci/gate/policy.yaml of this build)")
			set.StringVar(&f.metrics, "metrics", "", "judge only these `metrics` of the policy, by comma")
			set.IntVar(&f.layouts, "layouts", 4, "`number` of link layouts of each side")
			set.BoolVar(&f.aa, "aa", false, "hold --head against itself in other layouts: how noisy and how biased is this machine?")
			set.BoolVar(&f.count, "count", false, "count instructions in an emulated machine instead of timing pairs: a busy machine changes nothing")
			set.StringVar(&f.kernel, "kernel", "", "kernel `image` for --count (default: the newest below /boot)")
			set.StringVar(&f.noise, "noise", "out/noise.json", "`file` that --aa adds to, and from which a gate takes the machine's own bias")
			set.DurationVar(&f.time, "time", 20*time.Minute, "end within this `time`, builds included: with a verdict, or without one and with what was measured")
			set.StringVar(&f.history, "history", "", "`file` that gets a line on this run, for report --history")
			set.StringVar(&f.out, "out", "out/gate", "`directory` for base.json, head.json, gate.json, gate.md, gate.junit.xml and gate.txt (benchfmt); of --count, base.json, head.json, count.json and count.md")
			return f.run
		},
	}
}

type flags struct {
	tool                         func() result.Tool
	set                          *pflag.FlagSet
	lab                          *cli.LabFlags
	base, head, repo, dut, build string
	policy, metrics, noise, out  string
	history, kernel              string
	layouts                      int
	aa, count                    bool
	time                         time.Duration
	onDir                        func(dir string) error // told the directory of the builds
}

const mostLayouts = 16

func (f *flags) run(ctx context.Context, s cli.Streams) error {
	policy, err := f.readPolicy(ctx)
	if err != nil {
		return err
	}
	if f.history != "" {
		if err := gate.CheckHistory(f.history); err != nil {
			return cli.BadUsage("--history: %w", err)
		}
	}
	switch n := f.set.NArg(); {
	case n == 2 && f.count:
		return f.counting(policy, s).Recorded(ctx, f.set.Arg(0), f.set.Arg(1), s)
	case n == 2:
		return f.recorded(ctx, policy, s)
	case n != 0:
		return cli.BadUsage("gate: give the base's set and the head's, or neither")
	}
	return f.measure(ctx, policy, s)
}

// readPolicy returns the policy, reduced to the metrics that the user selected.
func (f *flags) readPolicy(ctx context.Context) (gate.Policy, error) {
	p, err := gate.ReadPolicyFile(ctx, f.policy)
	if err != nil {
		err = fmt.Errorf("--policy %s: %w", f.policy, err)
	}
	if err == nil && f.metrics != "" {
		if p, err = p.Only(strings.Split(f.metrics, ",")); err != nil {
			err = fmt.Errorf("--metrics %s: %w", f.metrics, err)
		}
	}
	if err != nil {
		return p, cli.BadInput(err)
	}
	return p, nil
}

// recorded compares two recorded sets.
func (f *flags) recorded(ctx context.Context, policy gate.Policy, s cli.Streams) error {
	base, err := gate.ReadSetFile(ctx, f.set.Arg(0))
	if err != nil {
		return cli.BadInput(err)
	}
	head, err := gate.ReadSetFile(ctx, f.set.Arg(1))
	if err != nil {
		return cli.BadInput(err)
	}
	noise, err := gate.ReadNoiseFile(ctx, f.noise)
	if err != nil {
		return cli.BadInput(err)
	}
	policy.Bias = noise.Bias(head.Host)
	j, err := gate.Judge(policy, base, head)
	if err != nil {
		return cli.BadInput(err)
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	return f.conclude(&j.Report, base, head, s)
}

// conclude writes and prints the report. It returns an error unless the change passes,
// whatever becomes of the files and of the words.
func (f *flags) conclude(r *gate.Report, base, head *gate.Set, s cli.Streams) error {
	err := gate.Write(f.out, r, base, head)
	if f.history != "" {
		if failed := gate.AppendHistory(f.history, r, head.Started); failed != nil {
			err = errors.Join(err, fmt.Errorf("--history: %w", failed))
		}
	}
	return errors.Join(f.verdict(r), err, cli.Say(s.Out, gate.Table(r)))
}

// verdict returns an error unless the change passes.
func (f *flags) verdict(r *gate.Report) error {
	switch {
	case f.aa || r.Verdict == gate.Pass:
		return nil
	case r.Verdict == gate.Fail:
		return fmt.Errorf("%w: %s", cli.ErrRegression, r.Why)
	case r.Verdict == gate.Environment:
		return cli.MachineFault(errors.New(r.Why))
	}
	if mend := r.Mend(); mend != "" {
		return fmt.Errorf("%w: %s. What to do: %s", cli.ErrNoVerdict, r.Why, mend)
	}
	return fmt.Errorf("%w: %s", cli.ErrNoVerdict, r.Why)
}
