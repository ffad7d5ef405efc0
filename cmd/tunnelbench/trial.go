package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var trialVerb = verb{
	name: "trial", doc: "run one trial: one device, one frame size, one load",
	examples: []string{
		"trial --dut vxlan --size 64 --load 100kpps --duration 5s",
		"trial --dut wire --size 1518 --load max --duration 1s --json",
		"trial --dut reference:gso=off --size 512 --load 50% --link 1Gbps --duration 10s",
		"trial --dut vxlan --stream bulk --connections 8 --wan delay=10ms,rate=100Mbps --duration 3s",
	},
	flags: func(set *pflag.FlagSet) func(context.Context, streams) error {
		t := &trialFlags{}
		t.lab = addLabFlags(set)
		set.StringVar(&t.device, "dut", "", "the `device` under test: a name of 'tunnelbench list', or exec:PATH")
		set.IntVar(&t.size, "size", 64, "frame size in `bytes`, FCS included")
		set.StringVar(&t.load, "load", "", "intended `load`: 150kpps, 1Gbps, 80% (of the link) or max")
		set.DurationVar(&t.duration, "duration", time.Second, "for how `long` to send")
		set.StringVar(&t.pcap, "pcap", "", "`directory` for captures of the first lost, reordered, duplicated, corrupted and foreign frames; needs the engine afpacket")
		set.BoolVar(&t.reasons, "reasons", true, "ask the kernel why it dropped what it dropped; costs the device time for each")
		set.BoolVar(&t.json, "json", false, "print one JSON object, as results.json has it")
		t.stream.add(set)
		return t.run
	},
}

// floodMost is more than one core floods, for the size of the ledger.
const floodMost rfc2544.Rate = 8e6

type trialFlags struct {
	lab           *labFlags
	device, load  string
	pcap          string
	size          int
	duration      time.Duration
	json, reasons bool
	stream        streamFlags
}

func (f *trialFlags) run(ctx context.Context, s streams) error {
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
	seen, engine, err := oneTrial(ctx, l, device, cfg.Settings, trial)
	closed := l.Close()
	if err != nil {
		return errors.Join(err, closed)
	}
	if err := errors.Join(f.print(s.out, device.Spec, engine, trial.Size, seen), closed); err != nil {
		return err
	}
	if !seen.Valid {
		return fmt.Errorf("%w: %s", errNoVerdict, seen.Invalid)
	}
	return nil
}

func oneTrial(ctx context.Context, l *lab.Lab, device dut.Device, set lab.Settings, trial rfc2544.Trial) (seen rfc2544.Observation, engine string, err error) {
	wire, err := l.Calibrate(ctx, set, trial.Size)
	if err != nil {
		return seen, "", err
	}
	set.Engine = wire.Engine
	b, err := l.Setup(ctx, device, set, trial.Size)
	if err != nil {
		return seen, wire.Engine, err
	}
	seen, err = b.Measure(ctx, trial)
	if err != nil {
		return seen, wire.Engine, errors.Join(err, b.Close())
	}
	l.Defer(b.Close) // what was measured is printed before anything can go wrong
	return seen, wire.Engine, nil
}

func (f *trialFlags) parse() (d dut.Device, t rfc2544.Trial, cfg labConfig, err error) {
	if f.device == "" || f.load == "" {
		return d, t, cfg, badUsage("trial: needs --dut and --load: try tunnelbench trial --help")
	}
	if d, err = dut.Parse(f.device); err != nil {
		return d, t, cfg, usageError{err}
	}
	if t.Size, err = checkSize(f.size); err != nil {
		return d, t, cfg, err
	}
	load, err := rfc2544.ParseLoad(f.load)
	if err != nil {
		return d, t, cfg, usageError{err}
	}
	link, _, err := f.lab.nominal()
	if err != nil {
		return d, t, cfg, err
	}
	t.Load, t.Duration = load.At(t.Size, link), f.duration
	if err := checkRate(t.Load); err != nil {
		return d, t, cfg, err
	}
	if err := checkDuration(f.duration); err != nil {
		return d, t, cfg, err
	}
	if cfg, err = f.lab.config(); err != nil {
		return d, t, cfg, err
	}
	frames := t.Frames()
	if t.Load.IsFlood() {
		frames = floodMost.Frames(t.Duration)
	}
	if frames > loadgen.MaxFrames {
		return d, t, cfg, badUsage("trial of %d frames: a ledger holds %d: make it shorter or slower", frames, uint64(loadgen.MaxFrames))
	}
	cfg.MaxFrames, cfg.Reasons = max(lab.DefaultMaxFrames, frames), f.reasons
	return d, t, cfg, errors.Join(f.lab.checkFrames(t.Size), f.lab.checkWAN(d), f.capture(&cfg))
}

func checkDuration(d time.Duration) error {
	if d < time.Millisecond || d > time.Hour {
		return badUsage("--duration %v: from 1ms to 1h", d)
	}
	return nil
}

// capture has the trial's frames kept, for which they have to come to user space.
func (f *trialFlags) capture(cfg *labConfig) error {
	if f.pcap == "" {
		return nil
	}
	if f.lab.engine == lab.EngineXDP {
		return badUsage("--pcap: the engine xdp leaves frames in the kernel: use --engine afpacket")
	}
	cfg.Engine, cfg.Pcap = lab.EngineAFPacket, f.pcap
	return nil
}

func (f *trialFlags) print(w io.Writer, device, engine string, size rfc2544.FrameSize, r rfc2544.Observation) error {
	if f.json {
		text, err := result.MarshalTrial(device, size, r)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", text)
		}
		return err
	}
	fmt.Fprintf(w, "%s, %d bytes, %v intended, %v, engine %s\n", device, size, r.IntendedLoad, r.Duration.Round(time.Microsecond), engine)
	fmt.Fprintf(w, "  offered %d, received %d, lost %d (%s, %d late)\n", r.Offered, r.Received, r.Lost, lossText(r), r.Late)
	fmt.Fprintf(w, "  duplicated %d, reordered %d, corrupted %d, stale %d, foreign %d\n", r.Duplicated, r.Reordered, r.Corrupted, r.Stale, r.Foreign)
	for _, d := range r.Directions {
		fmt.Fprintf(w, "  %s: offered %d, received %d, lost %d (%.3g %%, %d late), duplicated %d, reordered %d, corrupted %d, stale %d, foreign %d\n",
			d.Direction, d.Offered, d.Received, d.Lost, 100*d.LossRatio(), d.Late, d.Duplicated, d.Reordered, d.Corrupted, d.Stale, d.Foreign)
		printDistribution(w, d.Direction+" latency", d.Latency)
	}
	printDrops(w, r)
	printDistribution(w, "latency", r.Latency)
	printDistribution(w, "latency without stalls", r.LatencyQuiet)
	printDistribution(w, "lateness", r.Lateness)
	fmt.Fprintf(w, "  stalls %d, schedule paused for %v\n", len(r.Stalls), r.Paused.Round(time.Microsecond))
	if r.CPUPerFrame != nil {
		fmt.Fprintf(w, "  CPU %.0f ns per frame over all cores\n", *r.CPUPerFrame)
	}
	printDoubts(w, r.Invalid, r.Warnings)
	return nil
}

// printDrops prints where frames were lost, as far as counters tell.
func printDrops(w io.Writer, r rfc2544.Observation) {
	for _, d := range r.Drops.Once() {
		fmt.Fprintf(w, "  lost at %s: %d\n", d.Place(), d.Frames)
	}
	if r.Unexplained != 0 {
		fmt.Fprintf(w, "  lost at unexplained: %d\n", r.Unexplained)
	}
	for _, d := range r.DropReasons {
		fmt.Fprintf(w, "  the kernel's reason at %s: %d\n", d.Place(), d.Frames)
	}
}

// printDoubts prints why a measurement does not count, and what else there is to know of it.
func printDoubts(w io.Writer, invalid rfc2544.Reasons, warnings []string) {
	for _, why := range invalid {
		fmt.Fprintf(w, "  invalid: %s\n", why.Text)
	}
	for _, warning := range warnings {
		fmt.Fprintf(w, "  %s\n", warning)
	}
}

// lossText is the loss ratio, and of what frames where there are two directions.
func lossText(r rfc2544.Observation) string {
	text := fmt.Sprintf("%.3g %%", 100*r.LossRatio())
	if len(r.Directions) > 0 {
		text += " of the frames of both directions"
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func printDistribution(w io.Writer, what string, d *rfc2544.Distribution) {
	if d != nil {
		fmt.Fprintf(w, "  %s: min %v, p50 %v, p99 %v, p99.9 %v, max %v\n", what, d.Min, d.P50, d.P99, d.P999, d.Max)
	}
}
