package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// liveExamples are for whoever explains the verb.
var liveExamples = []string{
	"fuzz live --dut reference --load 50%",
	"fuzz live --dut exec:./my-tunnel.sh --load 20kpps --duration 1m --rate 100kpps --as stranger",
	"fuzz live --scorecard --dut reference,naive,vxlan,wireguard-go --load 50% --seed 7",
}

// liveFlags are the options of fuzz live.
type liveFlags struct {
	lab                          *labFlags
	devices, load, rate, as, out string
	mutants                      string
	size                         int
	duration                     time.Duration
	first                        uint64
	tolerance                    float64
	scorecard                    bool
}

// addLiveFlags are the options of fuzz live, and what it does.
func addLiveFlags(set *flag.FlagSet) func(context.Context, streams) error {
	f := &liveFlags{lab: addLabFlags(set)}
	set.StringVar(&f.devices, "dut", "", "the `device` to attack: a name of 'tunnelbench list', or exec:PATH; with --scorecard several by comma")
	set.StringVar(&f.load, "load", "50%", "`load` of the legitimate flow: 50% (of the forwarding rate that is found first) or 100kpps")
	set.StringVar(&f.rate, "rate", "50kpps", "`rate` of mutants")
	set.StringVar(&f.as, "as", "stranger,spoofed", "`senders` by turns: stranger (an address that is neither end's), spoofed (the other end's), forger (the same, and mutants may be right in every field: a plain tunnel has to take those)")
	set.StringVar(&f.mutants, "mutants", "auto", "what `tunnel` most mutants look like: reference, vxlan, wireguard, any, or auto, by the device")
	set.IntVar(&f.size, "size", 64, "frame size of the legitimate flow in `octets`, FCS included")
	set.DurationVar(&f.duration, "duration", 10*time.Second, "`length` of all trials together, half of them attacked")
	set.Uint64Var(&f.first, "first", 0, "`number` of the first mutant of the seed's stream")
	set.Float64Var(&f.tolerance, "tolerance", 100*lab.DefaultTolerance, "`points` of percent by which the loss under attack may be above that of all quiet trials")
	set.StringVar(&f.out, "out", defaultFuzzOut, "`directory` for live.json and, with a finding, live-DUT.pcapng with the last mutants")
	set.BoolVar(&f.scorecard, "scorecard", false, "the same mutants for several devices, side by side")
	return f.run
}

func (f *liveFlags) run(ctx context.Context, s streams) error {
	devices, plan, cfg, err := f.parse()
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
	plan.Settings = cfg.Settings
	host := l.Describe(cfg.Settings)
	c := &reports.FuzzLive{
		Schema: reports.FuzzLiveSchema, Tool: tool(), Command: os.Args, Started: time.Now().UTC(), CPU: host.CPU, Kernel: host.Kernel, Seed: f.lab.seed,
		Senders: plan.As, Rate: float64(plan.Rate), FrameSize: int(plan.Size), Direction: f.lab.direction, Devices: []reports.LiveDevice{},
	}
	err = f.attackAll(ctx, l, devices, plan, c, s)
	return errors.Join(err, l.Close())
}

// attackAll goes through the devices; one that cannot be had ends the campaign only
// when it is the only one.
func (f *liveFlags) attackAll(ctx context.Context, l *lab.Lab, devices []dut.Device, plan lab.AttackPlan, c *reports.FuzzLive, s streams) error {
	var failed error
	for _, d := range devices {
		f.aim(d, &plan, s)
		r, err := l.Attack(ctx, d, plan)
		if err != nil && failed == nil {
			failed = err
		}
		c.Devices = append(c.Devices, r.LiveDevice)
		reports.FuzzLiveText(s.out, r.LiveDevice)
		if len(r.Findings) > 0 {
			fmt.Fprintf(s.out, "  replay    %s\n", f.replay(d, r))
			if err := f.capture(d, r); err != nil {
				return err
			}
		}
		if ctx.Err() != nil { // what was found so far is told and written
			break
		}
	}
	if f.scorecard {
		if err := reports.FuzzLiveScorecard(s.out, c); err != nil {
			return err
		}
	}
	if err := f.write(c); err != nil {
		return err
	}
	if ctx.Err() != nil && !found(c) {
		return ctx.Err()
	}
	return liveVerdict(c, failed)
}

// aim makes the plan one against d.
func (f *liveFlags) aim(d dut.Device, plan *lab.AttackPlan, s streams) {
	kind := f.kind(d)
	plan.Name = kind.String()
	plan.Mutants = func(p mutate.Path) *mutate.Stream { return mutate.New(f.lab.seed, kind, p) }
	plan.OnRate = func(forwarding, load rfc2544.Rate) {
		fmt.Fprintf(s.err, "%s forwards %v; the load is %v, the attack %v\n", d.Spec, forwarding, load, plan.Rate)
	}
	plan.OnTrial = func(t reports.LiveTrial) {
		what := "quiet"
		if t.Attacked {
			what = fmt.Sprintf("attacked by %d", t.Sent.Frames)
		}
		fmt.Fprintf(s.err, "  %s: lost %d of %d, p99 %v %s\n", what, t.Lost, t.Offered, t.P99, strings.Join(t.Warnings, "; "))
	}
}

// kind is what most mutants look like.
func (f *liveFlags) kind(d dut.Device) mutate.Kind {
	if kind, err := mutate.ParseKind(f.mutants); err == nil {
		return kind
	}
	switch {
	case strings.HasPrefix(d.Name, "reference"), d.Name == "naive":
		return mutate.Reference
	case d.Name == "vxlan":
		return mutate.VXLAN
	case d.Name == "wireguard-go":
		return mutate.WireGuard
	}
	return mutate.Any
}

func (f *liveFlags) parse() (devices []dut.Device, p lab.AttackPlan, cfg labConfig, err error) {
	if f.devices == "" {
		return nil, p, cfg, badUsage("fuzz live: needs --dut: try tunnelbench fuzz live --help")
	}
	if devices, err = parseDevices(f.devices); err != nil {
		return nil, p, cfg, err
	}
	if len(devices) > 1 && !f.scorecard {
		return nil, p, cfg, badUsage("--dut: %d devices: say --scorecard to compare them", len(devices))
	}
	if cfg, err = f.lab.config(); err != nil {
		return nil, p, cfg, err
	}
	p, err = f.plan()
	return devices, p, cfg, errors.Join(err, f.lab.checkWAN(devices...))
}

// plan reads what is the same for all devices.
func (f *liveFlags) plan() (p lab.AttackPlan, err error) {
	if p.Size, err = checkSize(f.size); err != nil {
		return p, err
	}
	if err := f.lab.checkFrames(p.Size); err != nil {
		return p, err
	}
	if p.Share, p.Load, err = f.parseLoad(p.Size); err != nil {
		return p, err
	}
	rate, err := rfc2544.ParseLoad(f.rate)
	if err != nil {
		return p, usageError{err}
	}
	if p.Rate = rate.At(p.Size, rfc2544.Gigabit); p.Rate.IsFlood() || strings.HasSuffix(f.rate, "%") {
		return p, badUsage("--rate %s: write mutants a second, such as 50kpps", f.rate)
	}
	if err := checkRate(p.Rate); err != nil {
		return p, err
	}
	if f.duration < time.Second || f.duration > 24*time.Hour {
		return p, badUsage("--duration %v: from 1s to 24h", f.duration)
	}
	if f.tolerance <= 0 || f.tolerance > 100 {
		return p, badUsage("--tolerance %v: points of percent, above 0 and up to 100", f.tolerance)
	}
	if _, err := mutate.ParseKind(f.mutants); err != nil && f.mutants != "auto" {
		return p, badUsage("--%w, or auto", err)
	}
	p.As = strings.Split(f.as, ",")
	for i, as := range p.As {
		if !slices.Contains([]string{lab.AttackStranger, lab.AttackSpoofed, lab.AttackForger}, as) || slices.Contains(p.As[:i], as) {
			return p, badUsage("--as %q: stranger, spoofed and forger, each once at most", f.as)
		}
	}
	p.Duration, p.First, p.Tolerance = f.duration, f.first, f.tolerance/100
	return p, nil
}

// parseLoad reads a share of the forwarding rate, or a load.
func (f *liveFlags) parseLoad(size rfc2544.FrameSize) (share float64, load rfc2544.Rate, err error) {
	if digits, ok := strings.CutSuffix(f.load, "%"); ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(v > 0 && v <= 200) {
			return 0, 0, badUsage("--load %q: above 0%% and up to 200%% of the forwarding rate", f.load)
		}
		return v / 100, 0, nil
	}
	l, err := rfc2544.ParseLoad(f.load)
	if err != nil {
		return 0, 0, usageError{err}
	}
	load = l.At(size, rfc2544.Gigabit)
	if load.IsFlood() {
		return 0, 0, badUsage("--load max: a flood loses frames without an attack: write a share such as 50%%")
	}
	return 0, load, checkRate(load)
}

// replay is the command that sends the same mutants to the same device at the same load.
func (f *liveFlags) replay(d dut.Device, r lab.AttackReport) string {
	words := []string{
		"tunnelbench fuzz live", "--dut", quoted(deviceWord(d, f.devices)), "--seed", strconv.FormatUint(f.lab.seed, 10),
		"--load", strconv.FormatFloat(r.Load/1e3, 'f', -1, 64) + "kpps", "--rate", f.rate, "--as", f.as, "--mutants", r.Mutants,
		"--size", strconv.Itoa(f.size), "--duration", f.duration.String(),
	}
	for _, o := range []struct{ name, value, usual string }{
		{"--first", strconv.FormatUint(f.first, 10), "0"}, {"--direction", f.lab.direction, rfc2544.Forward},
		{"--wan", f.lab.wan, ""}, {"--engine", f.lab.engine, lab.EngineAuto}, {"--ip", strconv.Itoa(f.lab.ip), "4"},
		{"--flows", strconv.Itoa(f.lab.flows), "1"},
	} {
		if o.value != o.usual {
			words = append(words, o.name, quoted(o.value))
		}
	}
	return strings.Join(words, " ")
}

// deviceWord is how the user wrote the device: a result's name of a program has
// lost its path.
func deviceWord(d dut.Device, list string) string {
	for _, word := range splitDevices(list) {
		if again, err := dut.Parse(word); err == nil && again.Spec == d.Spec {
			return word
		}
	}
	return d.Spec
}

// quoted is a word that a shell takes as one.
func quoted(word string) string {
	if strings.ContainsAny(word, " '\"$&|;()<>*?`\\") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// capture writes the last mutants that were sent.
func (f *liveFlags) capture(d dut.Device, r lab.AttackReport) error {
	var file bytes.Buffer
	if err := r.WriteLast(&file); err != nil {
		return err
	}
	return reports.WriteFile(filepath.Join(f.out, captureName(d)), file.Bytes())
}

// captureName has nothing in it that is a path's.
func captureName(d dut.Device) string {
	plain := func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}
	return "live-" + strings.Map(plain, d.Spec) + ".pcapng"
}

func (f *liveFlags) write(c *reports.FuzzLive) error {
	text, err := reports.MarshalFuzzLive(c)
	if err != nil {
		return err
	}
	return reports.WriteFile(filepath.Join(f.out, "live.json"), text)
}

// found tells whether any device has a finding.
func found(c *reports.FuzzLive) bool {
	return slices.ContainsFunc(c.Devices, func(d reports.LiveDevice) bool { return len(d.Findings) > 0 })
}

// liveVerdict is a finding before a device that none can be had of.
func liveVerdict(c *reports.FuzzLive, failed error) error {
	var seen []string
	missing := 0
	for _, d := range c.Devices {
		for _, finding := range d.Findings {
			seen = append(seen, fmt.Sprintf("%s: %s: %s", d.DUT, finding.Kind, finding.Seen))
		}
		if d.Error != "" && d.Unsupported == "" {
			missing++
		}
	}
	switch {
	case len(seen) > 0:
		return fmt.Errorf("%w: %s", errFinding, strings.Join(seen, "; "))
	case failed != nil && len(c.Devices) == 1:
		return failed
	case missing > 0:
		return fmt.Errorf("%w: of %d devices %d have none: %s", errNoVerdict, len(c.Devices), missing, firstError(c))
	}
	return nil
}

func firstError(c *reports.FuzzLive) string {
	for _, d := range c.Devices {
		if d.Error != "" && d.Unsupported == "" {
			return d.DUT + ": " + d.Error
		}
	}
	return ""
}
