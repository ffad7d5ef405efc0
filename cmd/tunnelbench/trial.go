package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/once"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var trialVerb = cli.Verb{
	Name: "trial", Doc: "run one trial: one device, one frame size, one load",
	Examples: []string{
		"trial --dut vxlan --size 64 --load 100kpps --duration 5s",
		"trial --dut wire --size 1518 --load max --duration 1s --json",
		"trial --dut reference --window 64 --duration 2s",
		"trial --dut vxlan --stream bulk --connections 8 --wan delay=10ms,rate=100Mbps --duration 3s",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		t := &trialFlags{}
		t.AddTo(set)
		set.IntVar(&t.window, "window", 0, "closed loop: the most `frames` on their way; a frame is sent when another one has come back, instead of by --load")
		set.StringVar(&t.pcap, "pcap", "", "`directory` for captures of the first lost, reordered, duplicated, corrupted and foreign frames; needs the engine afpacket")
		set.BoolVar(&t.reasons, "reasons", true, "ask the kernel why it dropped what it dropped; costs the device time for each")
		set.BoolVar(&t.json, "json", false, "print one JSON object, as results.json has it")
		t.stream.add(set)
		return t.run
	},
}

type trialFlags struct {
	cli.TrialFlags
	pcap          string
	window        int
	json, reasons bool
	stream        streamFlags
}

func (f *trialFlags) run(ctx context.Context, s cli.Streams) error {
	stream, err := f.stream.wanted()
	if err != nil {
		return err
	}
	if stream {
		return f.runStream(ctx, s)
	}
	device, trial, cfg, err := f.parse()
	if err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	seen, engine, err := once.Measure(ctx, l, cfg.Settings, once.Trial{Device: device, Trial: trial})
	if err != nil && !seen.Invalid.Has(rfc2544.CutShort) {
		return errors.Join(err, l.Close())
	}
	if err == nil && !seen.Valid {
		err = fmt.Errorf("%w: %s", cli.ErrNoVerdict, seen.Invalid)
	}
	said := cli.Said(f.print(s.Out, show.Trial{Device: device.Spec, Engine: engine, Size: trial.Size, Window: trial.Window, Seen: seen}))
	return errors.Join(err, l.Close(), said)
}

func (f *trialFlags) parse() (d dut.Device, t rfc2544.Trial, cfg cli.LabConfig, err error) {
	if f.Load, err = f.closedLoop(); err != nil {
		return d, t, cfg, err
	}
	if d, t, cfg, err = f.Parse("trial"); err != nil {
		return d, t, cfg, err
	}
	t.Window, cfg.Reasons = f.window, f.reasons
	return d, t, cfg, f.capture(&cfg)
}

// closedLoop returns the load: a closed loop has none.
func (f *trialFlags) closedLoop() (load string, err error) {
	const most = 1 << 16
	switch {
	case f.window < 0 || f.window > most:
		return "", cli.BadUsage("--window %d: from 1 to %d frames", f.window, most)
	case f.window == 0:
		return f.Load, nil
	case f.Load != "" && f.Load != "max":
		return "", cli.BadUsage("--window %d: a closed loop has no load: leave --load %s out", f.window, f.Load)
	case f.Lab.Engine == lab.EngineAFPacket:
		return "", cli.BadUsage("--window %d: the engine afpacket has no closed loop: use xdp", f.window)
	}
	return "max", nil
}

// capture records the trial's frames, which requires an engine that passes them to user space.
func (f *trialFlags) capture(cfg *cli.LabConfig) error {
	if f.pcap == "" {
		return nil
	}
	if f.Lab.Engine == lab.EngineXDP {
		return cli.BadUsage("--pcap: the engine xdp leaves frames in the kernel: use --engine afpacket")
	}
	cfg.Engine, cfg.Pcap = lab.EngineAFPacket, f.pcap
	return nil
}

func (f *trialFlags) print(w io.Writer, t show.Trial) error {
	if !f.json {
		return t.WriteText(w)
	}
	text, err := result.MarshalTrial(t.Device, t.Size, t.Seen)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", text)
	}
	return err
}
