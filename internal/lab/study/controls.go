package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// comparison of controls: all devices are up at once and are measured in blocks of turns; just before
// and after each block the probes run.
//
//	probes │ A B C C B A │ probes    probes │ A B C C B A │ probes ...
type comparison struct {
	controls, devices []dut.Device
	size              rfc2544.FrameSize
	lasting           time.Duration
	turns             loadgen.Turns
	probes            []probe
	took              []time.Duration // of each block
}

// coreSpeed names the control that is the clocked work in the tester's own timer.
const coreSpeed = "core_speed"

// compareControls runs the program's verb "controls".
func compareControls(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("controls", flag.ContinueOnError)
	controls := flags.String("controls", "plain,vxlan,shaped:rate=10Gbps,relay:spin=off,relay:spin=off,cost=5us", "devices that may be the control")
	devices := flags.String("dut", "vxlan,reference-xdp,reference-tun,wireguard-go", "devices whose rates are to be predicted")
	size := flags.Int("size", 64, "frame size")
	lasting := flags.Duration("for", 3*time.Minute, "how long to measure")
	slices := flags.Int("slices", 1, "slices of 10 ms in a turn")
	rounds := flags.Int("rounds", 1, "rounds of two turns for each device in a block")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c := comparison{
		size: rfc2544.FrameSize(*size), lasting: *lasting, probes: probes(),
		turns: loadgen.Turns{Slices: *slices, Quiet: control.Turns.Quiet, Rounds: *rounds},
	}
	var err error
	if c.controls, err = cli.ParseDevices(*controls); err != nil {
		return err
	}
	if c.devices, err = cli.ParseDevices(*devices); err != nil {
		return err
	}
	moments, err := c.measure(ctx)
	if err != nil {
		return err
	}
	return c.print(out, moments)
}

// all returns controls and devices, each once.
func (c *comparison) all() []dut.Device {
	all := slices.Clone(c.controls)
	for _, d := range c.devices {
		if !slices.ContainsFunc(all, func(o dut.Device) bool { return o.Spec == d.Spec }) {
			all = append(all, d)
		}
	}
	return all
}

// measure returns the moments in which every device had a turn that nothing disturbed.
func (c *comparison) measure(ctx context.Context) (moments []moment, err error) {
	// The lab binds this process to the tester's core, and the runtime would let one thread run at a
	// time; a probe may need two, on two cores.
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	l, err := lab.Open(ctx, lab.Config{Wait: true})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	s := lab.Settings{MaxFrames: 1 << 24, Seed: 1}
	if _, err := l.Calibrate(ctx, s, c.size); err != nil {
		return nil, err
	}
	g, err := l.Group(ctx, c.all(), s, c.size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	for start := time.Now(); time.Since(start) < c.lasting; {
		begin := time.Now()
		m, err := c.block(ctx, g, l.CPUPlan())
		if err != nil {
			return nil, err
		}
		c.took = append(c.took, time.Since(begin))
		if m.complete() {
			moments = append(moments, m)
		}
	}
	return moments, nil
}

// block measures each device and each probe once.
func (c *comparison) block(ctx context.Context, g *lab.Group, cpus netns.CPUPlan) (moment, error) {
	device, tester := cpus.DUT[0], cpus.Tester[0]
	clocked, err := c.clocked(ctx, g, device)
	if err != nil {
		return nil, err
	}
	before, err := speeds(device, tester, c.probes)
	if err != nil {
		return nil, err
	}
	turned, err := g.MeasureTurns(ctx, control.ClosedLoop(c.size), c.turns)
	if err != nil {
		return nil, err
	}
	after, err := speeds(device, tester, c.probes)
	if err != nil {
		return nil, err
	}
	clockedAfter, err := c.clocked(ctx, g, device)
	m := moment{coreSpeed: math.Sqrt(clocked * clockedAfter)}
	for name := range before {
		m[name] = math.Sqrt(before[name] * after[name])
	}
	for i, d := range c.all() {
		m[d.Spec] = cleanRate(turned[i])
	}
	return m, err
}

// clocked returns how often a second a core does the work in the tester's timer while the first device
// forwards for a moment.
func (c *comparison) clocked(ctx context.Context, g *lab.Group, cpu int) (float64, error) {
	t := control.ClosedLoop(c.size)
	t.Duration = 2 * loadgen.SliceTime
	r, err := g.Setups[0].Execute(ctx, g.Setups[0].Plan(t))
	if err != nil || r.Ledger.Probe[cpu] == 0 {
		return 0, err
	}
	return 1 / r.Ledger.Probe[cpu].Seconds(), nil
}

// cleanRate returns the mean rate of the turns that nothing disturbed; 0 without one.
func cleanRate(t lab.Turned) float64 {
	var rates []float64
	for _, turn := range t.Turns {
		if turn.Clean {
			rates = append(rates, turn.Rate())
		}
	}
	return stats.Mean(rates)
}

// complete reports whether there is a value of everything.
func (m moment) complete() bool {
	for _, v := range m {
		if v <= 0 {
			return false
		}
	}
	return true
}

// errDisturbed is the error of a comparison beside programs that left it nothing to compare.
var errDisturbed = errors.New("too few blocks were undisturbed")

// print writes how far everything moved, and what each control leaves unexplained of each device.
func (c *comparison) print(out io.Writer, moments []moment) error {
	fmt.Fprintf(out, "%d of %d blocks without disturbance, %v long in the median\n\n", len(moments), len(c.took), stats.Median(c.took))
	const fewest = 4 // two points make no line that anything could leave
	if len(moments) < fewest {
		return fmt.Errorf("%w: %d", errDisturbed, len(moments))
	}
	names := c.candidates()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "per second\t10th percentile\tmedian\t90th percentile\t10th / 90th")
	for _, name := range append(slices.Clone(names), specs(c.devices)...) {
		low, middle, high := reach(moments, name)
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.2f\n", name, low, middle, high, low/high)
	}
	fmt.Fprint(t, "\nunexplained, %\traw")
	for _, name := range names {
		fmt.Fprintf(t, "\t%s", name)
	}
	fmt.Fprintln(t)
	for _, device := range specs(c.devices) {
		rates := logs(moments, device)
		fmt.Fprintf(t, "%s\t%.1f", device, 100*stats.Deviation(rates))
		for _, name := range names {
			fmt.Fprintf(t, "\t%s", judged(name, device, moments))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// judged returns in per cent what a control leaves unexplained of a device; a dash if it is the device.
func judged(name, device string, moments []moment) string {
	if name == device {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*unexplained(logs(moments, name), logs(moments, device)))
}

// candidates returns the names of all controls and probes.
func (c *comparison) candidates() []string {
	names := append(specs(c.controls), coreSpeed)
	for _, p := range c.probes {
		names = append(names, p.name)
	}
	return names
}

func specs(devices []dut.Device) (names []string) {
	for _, d := range devices {
		names = append(names, d.Spec)
	}
	return names
}
