package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	labstreams "github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var abVerb = cli.Verb{
	Name: "ab", Doc: "compare devices, parameters or builds fairly, in turns",
	Args: "A B [C...]",
	Examples: []string{
		"ab vxlan reference",
		"ab reference:gso=on reference:gso=off --size 1518",
		"ab reference reference@./old/tunnelbench --rounds 20",
		"ab naive reference wireguard-go --metrics closed_loop_rate,stream_goodput",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		all, usual := compare.Metrics()
		f := &abFlags{set: set, lab: cli.AddLabFlags(set)}
		set.IntVar(&f.size, "size", 64, "frame size in `bytes`, FCS included")
		set.IntVar(&f.rounds, "rounds", 12, "`number` of rounds, each with every device once")
		set.DurationVar(&f.time, "time", 5*time.Minute, "begin no round that would end after this `time`")
		set.StringVar(&f.metrics, "metrics", strings.Join(usual, ","), "`metrics` by comma, of "+strings.Join(all, ", "))
		set.StringVar(&f.out, "out", "out", "`directory` for results.json, report.html and the chart")
		return f.run
	},
}

type abFlags struct {
	set          *pflag.FlagSet
	lab          *cli.LabFlags
	size, rounds int
	time         time.Duration
	metrics, out string
}

// mostRounds limits the bootstrap to a second or two.
const mostRounds = 200

// confidence is the joint confidence of all intervals of a comparison.
const confidence = 0.95

func (f *abFlags) run(ctx context.Context, s cli.Streams) error {
	plan, cfg, err := f.parse(ctx)
	if err != nil {
		return err
	}
	line := cli.NewProgressLine(s.Err)
	out := cli.NewOutput(f.out, s, line)
	plan.OnTurn = func(round int, device string) { line.Show("round %d of %d: %s", round+1, plan.Rounds, device) }
	certificate, err := f.lab.HoldCertificate(ctx)
	if err != nil {
		return err
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	results := &result.Results{
		Schema: result.Schema, Tool: tool(), Command: append([]string{"tunnelbench"}, os.Args[1:]...), Profile: "ab",
		Seed: cfg.Seed, Started: time.Now().UTC(), Conditions: cfg.Conditions(0), Host: l.Describe(cfg.Settings), Link: plan.Link,
		Comparison: &result.Comparison{Confidence: confidence, Order: [][]int{}, Warnings: []string{}},
	}
	certificate.Carry(results)
	plan.Goodput, plan.OnRound = labstreams.GoodputOn(l), func() { out.Save(results) }
	plan.Settings, err = lab.CalibrateAll(ctx, l, cfg.Settings, []rfc2544.FrameSize{plan.Size}, results)
	if err == nil {
		err = compare.Run(ctx, compare.On(l), plan, results.Comparison)
	}
	results.Ended = cli.End(results)
	err = errors.Join(err, l.Close())
	line.Clear()
	if results.Comparison.Rounds == 0 {
		return err
	}
	return out.Write(results, errors.Join(err, compared(results.Comparison)))
}

// compared returns an error if a comparison lacks what was asked for.
func compared(c *result.Comparison) error {
	if why := compare.Missing(c); why != "" {
		return fmt.Errorf("%w: %s", cli.ErrNoVerdict, why)
	}
	return nil
}

func (f *abFlags) parse(ctx context.Context) (plan compare.Plan, cfg cli.LabConfig, err error) {
	specs := f.set.Args()
	if len(specs) < 2 {
		return plan, cfg, cli.BadUsage("ab: give two devices or more: try tunnelbench ab --help")
	}
	if plan.Devices, plan.Names, err = compare.Devices(specs); err != nil {
		return plan, cfg, cli.BadInput(err)
	}
	if plan.Size, err = cli.CheckSize(f.size); err != nil {
		return plan, cfg, err
	}
	if plan.Metrics, err = compare.ParseMetrics(f.metrics); err != nil {
		return plan, cfg, cli.BadUsage("--metrics %w", err)
	}
	c := result.Comparison{Devices: plan.Names, Confidence: confidence, Metrics: make([]result.Metric, len(plan.Metrics))}
	plan.Rounds, plan.Time = f.rounds, f.time
	if fewest := stats.FewestPairs(c.EachConfidence()); f.rounds < fewest {
		return plan, cfg, cli.BadUsage("--rounds %d: intervals for %d metrics of %d devices need %d or more", f.rounds, len(plan.Metrics), len(specs), fewest)
	}
	if f.rounds > mostRounds {
		return plan, cfg, cli.BadUsage("--rounds %d: at most %d", f.rounds, mostRounds)
	}
	if f.time <= 0 {
		return plan, cfg, cli.BadUsage("--time %v: must be above zero", f.time)
	}
	if plan.Link, plan.Shaped, err = f.lab.Nominal(); err != nil {
		return plan, cfg, err
	}
	if cfg, err = f.lab.ConfigFor(plan.Size, plan.Devices...); err != nil {
		return plan, cfg, err
	}
	if err := plan.CheckStreams(); err != nil {
		return plan, cfg, cli.BadUsage("--metrics %w", err)
	}
	if err := f.lab.CheckFrames(plan.Size); err != nil {
		return plan, cfg, err
	}
	if err := compare.CheckBuilds(ctx, plan.Devices); err != nil {
		return plan, cfg, cli.BadInput(err)
	}
	return plan, cfg, nil
}
