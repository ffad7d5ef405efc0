package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/progress"
	labstreams "github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

var runVerb = cli.Verb{
	Name: "run", Doc: "measure devices at frame sizes and write a report: the main job",
	Examples: []string{
		"run --dut vxlan,wireguard-go --sizes 64,1518 --out out",
		"run --dut exec:./mytunnel.sh --sizes 64,512,1518 --profile ndrpdr",
		"run --profile full --estimate",
		"run --dut vxlan --sizes 64 --profile standard --bursts 5 --resume",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		f := &runFlags{set: set, lab: cli.AddLabFlags(set)}
		set.StringVar(&f.devices, "dut", "wire,plain,vxlan,wireguard-go,reference", "`devices` under test, by comma: names of 'tunnelbench list', recipe:NAME or exec:PATH")
		set.StringVar(&f.sizes, "sizes", "64,512,1518", "frame `sizes` in bytes, FCS included")
		set.StringVar(&f.profile, "profile", "quick", "how thoroughly: a `profile` of 'tunnelbench list'")
		set.StringVar(&f.control, "control", result.PlainDUT, "`device` that runs along with the others, for their rates at its nominal speed; none: no device")
		set.StringVar(&f.out, "out", "out", "`directory` for results.json, report.html and the charts")
		set.BoolVar(&f.streams, "streams", false, "measure TCP streams too, after the rates: about half a minute per device")
		set.Func("goal", "search for this `goal` instead of the profile's; may be repeated: ndr, pdr, quick or loss=0.005,exceed=0.5,final=1s,sum=21s,...", f.addGoal)
		set.BoolVar(&f.estimate, "estimate", false, "print what would be measured and how long it would take; measure nothing")
		set.BoolVar(&f.resume, "resume", false, "go on with the run in the output directory that was cut short: nothing is measured twice")
		set.StringVar(&f.metrics, "metrics", "", "`address` to show how far the run is, for Prometheus: HOST:PORT")
		set.IntVar(&f.bursts, "bursts", 0, "`number` of searches of the back-to-back test (N of RFC 9004), instead of the profile's")
		return f.run
	},
}

type runFlags struct {
	set                          *pflag.FlagSet
	lab                          *cli.LabFlags
	devices, sizes, profile, out string
	control, metrics             string
	streams, estimate, resume    bool
	bursts                       int
	goals                        []mlrsearch.Goal
}

// addGoal parses one --goal.
func (f *runFlags) addGoal(text string) error {
	g, err := mlrsearch.ParseGoal(text)
	if err != nil {
		return err
	}
	if g.Width == 0 {
		return fmt.Errorf("goal %s: width is missing: add width=0.01", g.Name)
	}
	f.goals = append(f.goals, g)
	return nil
}

func (f *runFlags) run(ctx context.Context, s cli.Streams) error {
	plan, cfg, err := f.parse()
	if err != nil {
		return err
	}
	if f.estimate {
		return plan.WriteEstimate(ctx, s.Out, f.lab.Direction)
	}
	line := cli.NewProgressLine(s.Err)
	show := cli.NewProgress(s.Err, dut.Specs(plan.Devices), plan.Profile.Suite != nil, cli.Colour(s.Err), line)
	plan.Settings, plan.OnTrial, plan.OnResult = cfg.Settings, show.Trial, show.Result
	out := cli.NewOutput(f.out, s, line)
	plan.OnPart = out.Save
	plan.OnForetold = func(expected suite.Trouble, left time.Duration) {
		line.Clear()
		fmt.Fprintf(s.Err, "calibrated: if %v: about %v to go\n", expected, left.Round(time.Second))
	}
	certificate, err := f.lab.HoldCertificate(ctx)
	if err != nil {
		return err
	}
	board, err := progress.Open(f.metrics)
	if err != nil {
		return noMetrics(f.metrics, err)
	}
	defer board.Close()
	board.Follow(ctx, &plan, f.resume)
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	if err := board.Serve(l.CPUPlan(), build(), s.Err); err != nil {
		return errors.Join(err, l.Close())
	}
	results := &result.Results{
		Schema: result.Schema, Tool: tool(), Command: append([]string{"tunnelbench"}, os.Args[1:]...), Profile: f.profile,
		Seed: cfg.Seed, Started: time.Now().UTC(), Host: l.Describe(cfg.Settings), Link: plan.Link,
	}
	certificate.Carry(results)
	if err := f.openJournal(ctx, &plan, l, results); err != nil {
		return errors.Join(err, l.Close())
	}
	err = suite.Run(ctx, suite.On(l), plan, results)
	results.Ended = cli.End(results)
	err = errors.Join(err, l.Close())
	line.Clear()
	err = errors.Join(err, f.closeJournal(plan.Journal, err == nil, s))
	if len(results.Results) == 0 {
		return err
	}
	if err == nil {
		err = verdict(results)
	}
	return out.Write(results, err)
}

// parseControl returns the control; nil if there is none, or no device to measure beside it.
func (f *runFlags) parseControl(devices []dut.Device) (*dut.Device, error) {
	if f.control == "none" {
		return nil, nil
	}
	d, err := dut.Parse(f.control)
	if err == nil && d.Up == nil {
		err = fmt.Errorf("%s is no device: it takes no turns", d.Spec)
	}
	if err != nil {
		return nil, cli.BadUsage("--control %w", err)
	}
	beside := slices.ContainsFunc(devices, func(o dut.Device) bool { return o.Up != nil && o.Spec != d.Spec })
	if !beside && f.set.Changed("control") {
		return nil, cli.BadUsage("--control %s: there is no other device to measure beside it", d.Spec)
	}
	if !beside {
		return nil, nil
	}
	return &d, nil
}

func (f *runFlags) parse() (plan suite.Plan, cfg cli.LabConfig, err error) {
	if plan.Devices, err = cli.ParseDevices(f.devices); err != nil {
		return plan, cfg, err
	}
	if plan.Sizes, err = cli.ParseSizes(f.sizes); err != nil {
		return plan, cfg, err
	}
	if err := f.lab.CheckFrames(plan.Sizes...); err != nil {
		return plan, cfg, err
	}
	profiles := suite.Profiles()
	i := slices.IndexFunc(profiles, func(p suite.Profile) bool { return p.Name == f.profile })
	if i < 0 {
		return plan, cfg, cli.BadUsage("--profile %q: unknown: see tunnelbench list", f.profile)
	}
	plan.Profile = profiles[i]
	if err := f.fitProfile(&plan.Profile); err != nil {
		return plan, cfg, err
	}
	if plan.Control, err = f.parseControl(plan.Devices); err != nil {
		return plan, cfg, err
	}
	if f.streams {
		plan.Streams = &labstreams.Plan{}
	}
	if plan.Link, plan.Shaped, err = f.lab.Nominal(); err != nil {
		return plan, cfg, err
	}
	cfg, err = f.lab.ConfigFor(slices.Max(plan.Sizes), plan.Devices...)
	cfg.MaxFrames = plan.Profile.MaxFrames
	return plan, cfg, err
}

// verdict returns nil if at least one device was measured and each device has a valid rate or
// cannot run here.
func verdict(r *result.Results) error {
	without, measured := suite.Without(r)
	switch {
	case !measured:
		return fmt.Errorf("%w: none of the devices can run here: see the report for why", errors.ErrUnsupported)
	case len(without) == 0:
		return nil
	}
	return fmt.Errorf("%w: no valid result for %s: see the report for why", cli.ErrNoVerdict, strings.Join(without, ", "))
}
