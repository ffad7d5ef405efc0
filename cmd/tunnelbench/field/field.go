// Package field is the verb `field`: all tunnels that are installed, measured side by side.
package field

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

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	labfield "github.com/tunnelbench/tunnelbench/internal/lab/field"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/field/page"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Verb returns the verb `field` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "field", Doc: "measure every tunnel that is installed, and compare them on one page",
		Args: "[A B]",
		Examples: []string{
			"field --profile quick",
			"field --dut vxlan,wireguard-go,exec:./mytunnel.sh --sizes 64,1518",
			"field --out out --resume",
			"field --compare monday/field.json tuesday/field.json",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &flags{set: set, tool: tool, lab: cli.AddLabFlags(set)}
			set.StringVar(&f.devices, "dut", "", "`devices` by comma, as 'tunnelbench list' and 'recipes list' name them, or exec:PATH (default: all that are installed)")
			set.StringVar(&f.sizes, "sizes", "64,512,1518", "frame `sizes` in bytes, FCS included; devices are ordered by the smallest")
			set.StringVar(&f.profile, "profile", "quick", "how thoroughly: `profile` "+profiles())
			set.StringVar(&f.out, "out", "out", "`directory` for field.json, field.html and a file for each device")
			set.BoolVar(&f.estimate, "estimate", false, "print what would be measured and how long it would take; measure nothing")
			set.BoolVar(&f.resume, "resume", false, "go on with the run in the output directory: nothing is measured twice")
			set.BoolVar(&f.compare, "compare", false, "compare the order of the devices in two files, A and B, by Kendall's tau; measure nothing")
			return f.run
		},
	}
}

// profiles returns the names of the profiles, for the user.
func profiles() string {
	var names []string
	for _, p := range labfield.Profiles() {
		names = append(names, p.Name)
	}
	return strings.Join(names, " or ")
}

type flags struct {
	set                          *pflag.FlagSet
	tool                         func() result.Tool
	lab                          *cli.LabFlags
	devices, sizes, profile, out string
	estimate, resume, compare    bool
}

// Files of the verb.
const (
	fileName = "field.json"
	pageName = "field.html"
)

func (f *flags) run(ctx context.Context, s cli.Streams) error {
	plan, cfg, err := f.parse(ctx)
	switch {
	case err != nil:
		return err
	case f.compare:
		return f.agree(ctx, s)
	case f.estimate:
		return f.say(plan, s)
	}
	held, err := f.lab.HoldCertificate(ctx)
	if err != nil {
		return err
	}
	if err := cli.EnsureDir(f.out, fileName, pageName); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	out := &field.Field{
		Schema: field.Schema, Tool: f.tool(), Command: append([]string{"tunnelbench"}, os.Args[1:]...), Seed: cfg.Seed,
		Machine: labfield.Machine(), Host: l.Describe(cfg.Settings),
	}
	carried := result.Results{Host: out.Host}
	held.Carry(&carried)
	out.Host = carried.Host
	if plan.Store, err = labfield.Open(ctx, f.out, f.key(l, out), f.resume); err != nil {
		return errors.Join(err, l.Close())
	}
	f.follow(&plan, s)
	err = labfield.Run(ctx, labfield.On(l), plan, out)
	out.Ended = time.Now().UTC()
	err = errors.Join(err, l.Close())
	cli.NewProgressLine(s.Err).Clear()
	if err == nil {
		err = plan.Store.Finish()
	}
	return f.write(out, s, err)
}

// follow makes the plan tell how far the run is.
func (f *flags) follow(plan *labfield.Plan, s cli.Streams) {
	line := cli.NewProgressLine(s.Err)
	plan.OnStep = func(done, all int, what string) { line.Show("%d of %d steps done; now %s", done, all, what) }
	plan.OnDevice = func(name, why string) { fmt.Fprintf(line.Over(s.Err), "%s: %s\n", name, why) }
}

// key returns what identifies the run for --resume.
func (f *flags) key(l *lab.Lab, out *field.Field) labfield.Key {
	var all []string
	f.set.VisitAll(func(o *pflag.Flag) {
		if !slices.Contains([]string{"dut", "out", "resume", "estimate", "compare", "wait", "self-test"}, o.Name) {
			all = append(all, o.Name+"="+o.Value.String())
		}
	})
	return labfield.Key{Kernel: out.Host.Kernel, Commit: out.Tool.Version + " " + out.Tool.Commit, CPUPlan: l.CPUPlan().String(), Settings: strings.Join(all, " ")}
}

// write writes the files, then the table, and returns the verdict.
func (f *flags) write(out *field.Field, s cli.Streams, verdict error) error {
	if len(out.Devices) == 0 {
		return verdict // what the run has cannot be read, and stays
	}
	data, err := out.Encode()
	if err != nil {
		return errors.Join(verdict, err)
	}
	html, err := page.HTML([]*field.Field{out})
	if err != nil {
		return errors.Join(verdict, err)
	}
	where := filepath.Join(f.out, fileName)
	saved := errors.Join(atomicfile.WriteFile(where, data, 0o644), atomicfile.WriteFile(filepath.Join(f.out, pageName), html, 0o644))
	if saved == nil {
		fmt.Fprintf(s.Err, "%s and %s\n", where, filepath.Join(f.out, pageName))
	}
	if verdict != nil {
		verdict = fmt.Errorf("%w; what was measured is in %s: go on with --resume", verdict, f.out)
	} else {
		verdict = works(out)
	}
	return errors.Join(verdict, saved, cli.Said(cli.Say(s.Out, page.Text(out))))
}

// works returns an error if no tunnel at all could be measured. The control counts if there is nothing else.
func works(out *field.Field) error {
	for _, d := range out.Devices {
		if d.State == field.Works && (d.Name != out.Control || len(out.Devices) == 1) {
			return nil
		}
	}
	return fmt.Errorf("%w: none of the devices could be measured: the table says why", cli.ErrNoVerdict)
}

func (f *flags) parse(ctx context.Context) (plan labfield.Plan, cfg cli.LabConfig, err error) {
	if f.set.NArg() > 0 && !f.compare {
		return plan, cfg, cli.BadUsage("field: %q: files are for --compare: try tunnelbench field --help", f.set.Arg(0))
	}
	i := slices.IndexFunc(labfield.Profiles(), func(p labfield.Profile) bool { return p.Name == f.profile })
	if i < 0 {
		return plan, cfg, cli.BadUsage("--profile %q: unknown: use %s", f.profile, profiles())
	}
	plan.Profile = labfield.Profiles()[i]
	if plan.Sizes, err = cli.ParseSizes(f.sizes); err != nil {
		return plan, cfg, err
	}
	if err := f.lab.CheckFrames(plan.Sizes...); err != nil {
		return plan, cfg, err
	}
	if plan.Control, err = dut.Parse(result.PlainDUT); err != nil {
		return plan, cfg, err
	}
	devices, err := f.choose(ctx, plan.Control)
	if err != nil {
		return plan, cfg, err
	}
	for _, d := range devices {
		if d.Up == nil {
			return plan, cfg, cli.BadUsage("--dut %s: is no device", d.Spec)
		}
		plan.Devices = append(plan.Devices, labfield.Describe(ctx, d, f.tool().Version))
	}
	cfg, err = f.lab.ConfigFor(slices.Max(plan.Sizes), devices...)
	plan.Settings = cfg.Settings
	return plan, cfg, err
}

// choose returns the devices that the user named, or all that there are, the control first.
func (f *flags) choose(ctx context.Context, control dut.Device) ([]dut.Device, error) {
	list := f.devices
	switch {
	case f.compare:
		list = control.Spec // nothing is measured
	case list == "":
		theirs, err := labfield.Recipes(ctx)
		if err != nil {
			return nil, cli.BadInput(err)
		}
		list = strings.Join(append(labfield.BuiltIn(), theirs...), ",")
	}
	devices, err := cli.ParseDevices(list)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(devices, func(d dut.Device) bool { return d.Spec == control.Spec })
	return append([]dut.Device{control}, others...), nil
}

// say prints how long the run would take.
func (f *flags) say(plan labfield.Plan, s cli.Streams) error {
	alone, rounds, tests, total := plan.Estimate()
	text := fmt.Sprintf("profile %s: %d devices at %s bytes, and %s beside them\n", plan.Profile.Name, len(plan.Devices)-1, f.sizes, plan.Control.Spec)
	for _, part := range []struct {
		what string
		took time.Duration
	}{{"each alone", alone}, {fmt.Sprintf("in %d rounds", plan.Profile.Rounds), rounds}, {"behaviour", tests}, {"in all", total}} {
		text += fmt.Sprintf("  %-12s %8s\n", part.what, part.took.Round(time.Second))
	}
	return cli.Say(s.Out, text)
}
