package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	labstreams "github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

var runVerb = verb{
	name: "run", doc: "measure devices at frame sizes and write a report: the main job",
	examples: []string{
		"run --dut vxlan,wireguard-go --sizes 64,1518 --out out",
		"run --dut exec:./mytunnel.sh --sizes 64,512,1518 --profile ndrpdr",
		"run --profile full --estimate",
		"run --dut vxlan --sizes 64 --profile standard --bursts 5 --resume",
	},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		f := &runFlags{set: set, lab: addLabFlags(set)}
		set.StringVar(&f.devices, "dut", "wire,plain,vxlan,wireguard-go,reference", "`devices` under test, by comma: names of 'tunnelbench list', or exec:PATH")
		set.StringVar(&f.sizes, "sizes", "64,512,1518", "frame `sizes` in bytes, FCS included")
		set.StringVar(&f.profile, "profile", "quick", "how thoroughly: a `profile` of 'tunnelbench list'")
		set.StringVar(&f.out, "out", "out", "`directory` for results.json, report.html and the charts")
		set.BoolVar(&f.streams, "streams", false, "measure TCP streams too, after the rates: about half a minute per device")
		set.Func("goal", "search for this `goal` instead of the profile's; may be repeated: ndr, pdr, quick or loss=0.005,exceed=0.5,final=1s,sum=21s,...", f.addGoal)
		set.BoolVar(&f.estimate, "estimate", false, "print what a profile with the RFC's tests would measure and how long it would take; measure nothing")
		set.BoolVar(&f.resume, "resume", false, "go on with the run in the output directory that was cut short: nothing is measured twice")
		set.IntVar(&f.bursts, "bursts", 0, "`number` of searches of the back-to-back test (N of RFC 9004), instead of the profile's")
		return f.run
	},
}

type runFlags struct {
	set                          *pflag.FlagSet
	lab                          *labFlags
	devices, sizes, profile, out string
	streams, estimate, resume    bool
	bursts                       int
	goals                        []mlrsearch.Goal
}

// addGoal reads one --goal.
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

func (f *runFlags) run(ctx context.Context, s streams) error {
	plan, cfg, err := f.parse()
	if err != nil {
		return err
	}
	if f.estimate {
		return f.printEstimate(ctx, plan, s)
	}
	show := newProgress(s, plan)
	plan.Settings, plan.OnTrial, plan.OnResult = cfg.Settings, show.trial, show.result
	certificate, err := readCertificate(f.lab.certificate)
	if err != nil {
		return err
	}
	if err := ensureDir(f.out); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	results := &result.Results{
		Schema: result.Schema, Tool: tool(), Command: append([]string{"tunnelbench"}, os.Args[1:]...), Profile: f.profile,
		Seed: cfg.Seed, Started: time.Now().UTC(), Host: l.Describe(cfg.Settings), Link: plan.Link,
	}
	certificate.carry(results)
	if err := f.openJournal(&plan, l, results); err != nil {
		return errors.Join(err, l.Close())
	}
	err = suite.Run(ctx, suite.On(l), plan, results)
	results.Ended = time.Now().UTC()
	err = errors.Join(err, l.Close())
	show.line.clear()
	err = errors.Join(err, f.closeJournal(plan.Journal, err == nil, s))
	if len(results.Results) == 0 {
		return err
	}
	if err := errors.Join(err, f.write(results, s)); err != nil {
		return err
	}
	return verdict(results)
}

func (f *runFlags) parse() (plan suite.Plan, cfg labConfig, err error) {
	if plan.Devices, err = parseDevices(f.devices); err != nil {
		return plan, cfg, err
	}
	if plan.Sizes, err = parseSizes(f.sizes); err != nil {
		return plan, cfg, err
	}
	if err := f.lab.checkFrames(plan.Sizes...); err != nil {
		return plan, cfg, err
	}
	if err := f.lab.checkWAN(plan.Devices...); err != nil {
		return plan, cfg, err
	}
	profiles := suite.Profiles()
	i := slices.IndexFunc(profiles, func(p suite.Profile) bool { return p.Name == f.profile })
	if i < 0 {
		return plan, cfg, badUsage("--profile %q: unknown: see tunnelbench list", f.profile)
	}
	plan.Profile = profiles[i]
	if err := f.fitProfile(&plan.Profile); err != nil {
		return plan, cfg, err
	}
	if f.streams {
		plan.Streams = &labstreams.Plan{}
	}
	if plan.Link, plan.Shaped, err = f.lab.nominal(); err != nil {
		return plan, cfg, err
	}
	cfg, err = f.lab.config()
	cfg.MaxFrames = plan.Profile.MaxFrames
	return plan, cfg, err
}

func (f *runFlags) write(results *result.Results, s streams) error {
	path := filepath.Join(f.out, "results.json")
	if err := result.Write(path, results); err != nil {
		return err
	}
	if err := reports.WriteText(s.out, results, colour(s.out)); err != nil {
		return err
	}
	return render(f.out, s, []*result.Results{results}, nil)
}

// verdict is nil when each device has a valid rate, or cannot run here; but
// some device must have been measured.
func verdict(r *result.Results) error {
	fine := map[string]bool{}
	measured := false
	for _, res := range r.Results {
		if res.Test == rfc2544.NameStreams {
			continue // measured beside the rates; a calibration device may have none
		}
		fine[res.DUT] = fine[res.DUT] || res.Unsupported != "" || res.Valid && res.Test == rfc2544.NameRate
		measured = measured || res.Unsupported == ""
	}
	if !measured {
		return fmt.Errorf("%w: none of the devices can run here: see the report for why", errors.ErrUnsupported)
	}
	var without []string
	for _, name := range sortedKeys(fine) {
		if !fine[name] {
			without = append(without, name)
		}
	}
	if len(without) == 0 {
		return nil
	}
	return fmt.Errorf("%w: no valid result for %s: see the report for why", errNoVerdict, strings.Join(without, ", "))
}

// progress shows a run while it runs: a line per trial on a terminal, a row
// per device and size.
type progress struct {
	s      streams
	table  *reports.Table
	line   progressLine
	plan   suite.Plan
	headed bool
	trials int
}

func newProgress(s streams, plan suite.Plan) *progress {
	var names []string
	for _, d := range plan.Devices {
		names = append(names, d.Spec)
	}
	return &progress{s: s, plan: plan, line: newProgressLine(s.err), table: reports.NewTable(s.err, names, colour(s.err))}
}

func (p *progress) trial(device string, t rfc2544.Trial, o rfc2544.Observation) {
	p.trials++
	note := fmt.Sprintf("lost %.3g %%", 100*o.LossRatio())
	if !o.Valid {
		note = o.Invalid.String()
	}
	p.line.show("%s %d: trial %d at %v: %s", device, t.Size, p.trials, t.Load, note)
}

// result prints a device's row when its last test at a size is done.
func (p *progress) result(all *result.Results, r result.Result) {
	if r.Test == rfc2544.NameStreams {
		return // the whole table has them
	}
	if p.plan.Profile.Suite != nil {
		p.line.clear()
		fmt.Fprintln(p.s.err, reports.Line(&r))
		return
	}
	if r.Test == rfc2544.NameRate && r.Error == "" && r.Unsupported == "" && len(r.Values) > 0 {
		return // its latency is still to come
	}
	p.line.clear()
	if !p.headed {
		p.headed = p.table.Header() == nil
	}
	_ = p.table.Row(all, r.DUT, r.FrameSize) // stderr: nobody to tell
}
