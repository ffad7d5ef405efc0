package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/fuzz/live"
	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// liveExamples are the examples in the verb's help.
var liveExamples = []string{
	"fuzz live --dut reference --load 50%",
	"fuzz live --dut exec:./my-tunnel.sh --load 20kpps --duration 1m --rate 100kpps --as unknown",
	"fuzz live --scorecard --dut reference,naive,vxlan,wireguard-go --load 50% --seed 7",
	"fuzz live --scorecard --dut reference-wg,wireguard-go --load 5kpps --mutants junk,wireguard-forged,wireguard-replay",
}

// liveFlags are the options of fuzz live.
type liveFlags struct {
	lab                          *cli.LabFlags
	devices, load, rate, as, out string
	mutants                      string
	size                         int
	duration                     time.Duration
	first                        uint64
	tolerance                    float64
	scorecard                    bool
	kinds                        []mutate.Kind
}

// addLiveFlags defines the options of fuzz live and returns the function that runs it.
func addLiveFlags(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
	f := &liveFlags{lab: cli.AddLabFlags(set)}
	set.StringVar(&f.devices, "dut", "", "the `device` to attack: a name of 'tunnelbench list', recipe:NAME or exec:PATH; with --scorecard several by comma")
	set.StringVar(&f.load, "load", "50%", "`load` of the legitimate flow: 50% (of the forwarding rate that is found first) or 100kpps")
	set.StringVar(&f.rate, "rate", "50kpps", "`rate` of mutants")
	set.StringVar(&f.as, "as", "unknown,spoofed", "`senders` in turn: unknown (an address that is neither end's), spoofed (the other end's), forger (the same, and mutants may be right in every field: a plain tunnel has to accept those)")
	set.StringVar(&f.mutants, "mutants", "auto", "what `kind` most mutants are: auto (by the device's protocol), any, reference, vxlan, wireguard; or a flood of one kind: wireguard-mac, -replay, -forged, -tag, -index, junk; with --scorecard several by comma")
	set.IntVar(&f.size, "size", 64, "frame size of the legitimate flow in `bytes`, FCS included")
	set.DurationVar(&f.duration, "duration", 10*time.Second, "`length` of all trials together, half of them attacked")
	set.Uint64Var(&f.first, "first", 0, "`number` of the first mutant of the seed's stream")
	set.Float64Var(&f.tolerance, "tolerance", 100*live.DefaultTolerance, "`points` of percent by which the loss under attack may be above that of all quiet trials")
	set.StringVar(&f.out, "out", defaultFuzzOut, "`directory` for live.json and, with a finding, live-DUT.pcapng with the last mutants")
	set.BoolVar(&f.scorecard, "scorecard", false, "the same mutants for several devices, side by side")
	return f.run
}

func (f *liveFlags) run(ctx context.Context, s cli.Streams) error {
	devices, plan, cfg, err := f.parse()
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
	host := l.Describe(cfg.Settings)
	c := live.Campaign{
		Report: live.Report{
			Tool: tool(), Command: os.Args, Started: time.Now().UTC(), CPU: host.CPU, Kernel: host.Kernel, Direction: f.lab.Direction,
		},
		Devices: devices, Kinds: f.kinds, Plan: plan, Settings: cfg.Settings, Scorecard: f.scorecard, Out: f.out,
	}
	err = c.Run(ctx, live.OnLab(l, cfg.Settings), s.Out, s.Err)
	return errors.Join(err, l.Close())
}

func (f *liveFlags) parse() (devices []dut.Device, p live.Plan, cfg cli.LabConfig, err error) {
	if f.devices == "" {
		return nil, p, cfg, cli.BadUsage("fuzz live: needs --dut: try tunnelbench fuzz live --help")
	}
	if devices, err = cli.ParseDevices(f.devices); err != nil {
		return nil, p, cfg, err
	}
	if len(devices) > 1 && !f.scorecard {
		return nil, p, cfg, cli.BadUsage("--dut: %d devices: say --scorecard to compare them", len(devices))
	}
	if p, err = f.plan(); err != nil {
		return nil, p, cfg, err
	}
	cfg, err = f.lab.ConfigFor(p.Size, devices...)
	return devices, p, cfg, err
}

// plan returns the part of the plan that is the same for all devices.
func (f *liveFlags) plan() (p live.Plan, err error) {
	if p.Size, err = cli.CheckSize(f.size); err != nil {
		return p, err
	}
	if err := f.lab.CheckFrames(p.Size); err != nil {
		return p, err
	}
	if p.Share, p.Load, err = live.ParseLoad(f.load, p.Size); err != nil {
		return p, cli.BadUsage("--load %w", err)
	}
	if err := cli.CheckRate(p.Load); p.Share == 0 && err != nil {
		return p, err
	}
	if p.Rate, err = live.ParseRate(f.rate, p.Size); err != nil {
		return p, cli.BadInput(err)
	}
	if err := cli.CheckRate(p.Rate); err != nil {
		return p, err
	}
	if f.duration < time.Second || f.duration > 24*time.Hour {
		return p, cli.BadUsage("--duration %v: from 1s to 24h", f.duration)
	}
	if f.tolerance <= 0 || f.tolerance > 100 {
		return p, cli.BadUsage("--tolerance %v: points of percent, above 0 and up to 100", f.tolerance)
	}
	if err := f.parseKinds(); err != nil {
		return p, err
	}
	if p.Senders, err = live.ParseSenders(f.as); err != nil {
		return p, cli.BadUsage("--as %w", err)
	}
	p.Seed = f.lab.Seed
	p.Duration, p.First, p.Tolerance = f.duration, f.first, f.tolerance/100
	return p, nil
}

// parseKinds reads --mutants. Without kinds each device is attacked by its own protocol.
func (f *liveFlags) parseKinds() error {
	if f.mutants == "auto" {
		return nil
	}
	for word := range strings.SplitSeq(f.mutants, ",") {
		kind, err := mutate.ParseKind(word)
		if err != nil {
			return cli.BadUsage("--%w, or auto", err)
		}
		f.kinds = append(f.kinds, kind)
	}
	if len(f.kinds) > 1 && !f.scorecard {
		return cli.BadUsage("--mutants: %d kinds: say --scorecard to compare them", len(f.kinds))
	}
	return nil
}
