package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/once"
	"github.com/tunnelbench/tunnelbench/loadgen"
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
		t.addTo(set)
		set.IntVar(&t.window, "window", 0, "closed loop: the most `frames` on their way; a frame is sent when another one has come back, instead of by --load")
		set.StringVar(&t.pcap, "pcap", "", "`directory` for captures of the first lost, reordered, duplicated, corrupted and foreign frames; needs the engine afpacket")
		set.BoolVar(&t.reasons, "reasons", true, "ask the kernel why it dropped what it dropped; costs the device time for each")
		set.BoolVar(&t.json, "json", false, "print one JSON object, as results.json has it")
		t.stream.add(set)
		return t.run
	},
}

// floodMost is more than one core can send; it sizes the table of received frames.
const floodMost rfc2544.Rate = 8e6

type trialFlags struct {
	lab           *cli.LabFlags
	device, load  string
	pcap          string
	size, window  int
	duration      time.Duration
	json, reasons bool
	stream        streamFlags
}

// addTo adds the flags that a trace has, too.
func (f *trialFlags) addTo(set *pflag.FlagSet) {
	f.lab = cli.AddLabFlags(set)
	set.StringVar(&f.device, "dut", "", "the `device` under test: a name of 'tunnelbench list', or exec:PATH")
	set.IntVar(&f.size, "size", 64, "frame size in `bytes`, FCS included")
	set.StringVar(&f.load, "load", "", "intended `load`: 150kpps, 1Gbps, 80% (of the link) or max")
	set.DurationVar(&f.duration, "duration", time.Second, "for how `long` to send")
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
	if f.load, err = f.closedLoop(); err != nil {
		return d, t, cfg, err
	}
	if f.device == "" || f.load == "" {
		return d, t, cfg, cli.BadUsage("trial: needs --dut and --load: try tunnelbench trial --help")
	}
	if d, err = dut.Parse(f.device); err != nil {
		return d, t, cfg, cli.BadInput(err)
	}
	if t.Size, err = cli.CheckSize(f.size); err != nil {
		return d, t, cfg, err
	}
	load, err := rfc2544.ParseLoad(f.load)
	if err != nil {
		return d, t, cfg, cli.BadInput(err)
	}
	link, _, err := f.lab.Nominal()
	if err != nil {
		return d, t, cfg, err
	}
	t.Load, t.Duration, t.Window = load.At(t.Size, link), f.duration, f.window
	if err := cli.CheckRate(t.Load); err != nil {
		return d, t, cfg, err
	}
	if err := checkDuration(f.duration); err != nil {
		return d, t, cfg, err
	}
	if cfg, err = f.lab.ConfigFor(t.Size, d); err != nil {
		return d, t, cfg, err
	}
	frames := t.Frames()
	if t.Load.IsFlood() {
		frames = floodMost.Frames(t.Duration)
	}
	if frames > loadgen.MaxFrames {
		return d, t, cfg, cli.BadUsage("trial of %d frames: a ledger holds %d: make it shorter or slower", frames, uint64(loadgen.MaxFrames))
	}
	cfg.MaxFrames, cfg.Reasons = max(lab.DefaultMaxFrames, frames), f.reasons
	return d, t, cfg, errors.Join(f.lab.CheckFrames(t.Size), f.capture(&cfg))
}

// closedLoop returns the load: a closed loop has none.
func (f *trialFlags) closedLoop() (load string, err error) {
	const most = 1 << 16
	switch {
	case f.window < 0 || f.window > most:
		return "", cli.BadUsage("--window %d: from 1 to %d frames", f.window, most)
	case f.window == 0:
		return f.load, nil
	case f.load != "" && f.load != "max":
		return "", cli.BadUsage("--window %d: a closed loop has no load: leave --load %s out", f.window, f.load)
	case f.lab.Engine == lab.EngineAFPacket:
		return "", cli.BadUsage("--window %d: the engine afpacket has no closed loop: use xdp", f.window)
	}
	return "max", nil
}

func checkDuration(d time.Duration) error {
	if d < time.Millisecond || d > time.Hour {
		return cli.BadUsage("--duration %v: from 1ms to 1h", d)
	}
	return nil
}

// capture records the trial's frames, which requires an engine that passes them to user space.
func (f *trialFlags) capture(cfg *cli.LabConfig) error {
	if f.pcap == "" {
		return nil
	}
	if f.lab.Engine == lab.EngineXDP {
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
