// Command study measures where the variance of a rate comes from on this machine: from turn to turn
// of 10 to 50 ms, from bring-up to bring-up, and what of it cancels in the ratio to a control that
// runs along in the same loop. It needs root.
//
//	make study
//	bin/study --dut plain,vxlan,reference-xdp --bringups 10 --windows 64
//	bin/study controls --for 3m
//
// The first device is the control. The second form compares controls: how well each predicts the rates
// of devices while the machine's speed changes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func main() {
	reexec.Main()
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "study:", err)
		os.Exit(1)
	}
}

// plan is what the study measures.
type plan struct {
	devices  []dut.Device
	size     rfc2544.FrameSize
	windows  []int
	load     rfc2544.Rate
	bringups int
	repeats  int
	turns    loadgen.Turns
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "controls" {
		return compareControls(ctx, args[1:], os.Stdout)
	}
	return studyVariance(ctx, args)
}

// studyVariance measures the variance by level.
func studyVariance(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("study", flag.ContinueOnError)
	names := flags.String("dut", "plain,vxlan,reference-xdp", "devices, the control first")
	size := flags.Int("size", 64, "frame size")
	windows := flags.String("windows", "64", "frames in flight, several separated by commas; 0: paced at --load")
	load := flags.Float64("load", 50e3, "frames per second, with a window of 0")
	bringups := flags.Int("bringups", 5, "bring-ups of all devices")
	slices := flags.Int("slices", 2, "slices of 10 ms in a turn")
	repeats := flags.Int("repeats", 1, "measurements of each window in a bring-up")
	rounds := flags.Int("rounds", 25, "rounds of two turns for each device in a bring-up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	devices, err := cli.ParseDevices(*names)
	if err != nil {
		return err
	}
	p := plan{
		devices: devices, size: rfc2544.FrameSize(*size), load: rfc2544.Rate(*load), bringups: *bringups, repeats: *repeats,
		turns: loadgen.Turns{Slices: *slices, Quiet: 2 * time.Millisecond, Rounds: *rounds},
	}
	for w := range strings.SplitSeq(*windows, ",") {
		var n int
		if _, err := fmt.Sscan(w, &n); err != nil {
			return fmt.Errorf("--windows %q: %w", *windows, err)
		}
		p.windows = append(p.windows, n)
	}
	l, err := lab.Open(ctx, lab.Config{Wait: true})
	if err != nil {
		return err
	}
	defer l.Close()
	return p.measure(ctx, l)
}

// bringUp brings the devices up once and adds what it measured, by window.
func (p plan) bringUp(ctx context.Context, l *lab.Lab, s lab.Settings, seen []table) (err error) {
	g, err := l.Group(ctx, p.devices, s, p.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	for j := range p.repeats * len(p.windows) {
		i := j % len(p.windows)
		w := p.windows[i]
		t := rfc2544.Trial{Size: p.size, Load: rfc2544.Flood, Traffic: rfc2544.Traffic{Window: w}}
		if w == 0 {
			t.Load = p.load
		}
		turned, err := g.MeasureTurns(ctx, t, p.turns)
		if err != nil {
			return err
		}
		seen[i] = append(seen[i], turned)
	}
	return nil
}

// measure brings the devices up again and again and prints what varied.
func (p plan) measure(ctx context.Context, l *lab.Lab) error {
	s := lab.Settings{MaxFrames: 1 << 24, Seed: 1}
	if _, err := l.Calibrate(ctx, s, p.size); err != nil {
		return err
	}
	seen := make([]table, len(p.windows))
	for range p.bringups {
		if err := p.bringUp(ctx, l, s, seen); err != nil {
			return err
		}
	}
	for i, w := range p.windows {
		p.print(w, seen[i])
		p.sequence(seen[i])
	}
	return nil
}

// sequence prints the rate of each device, bring-up by bring-up.
func (p plan) sequence(seen table) {
	for k, name := range specs(p.devices) {
		fmt.Printf("%s:", name)
		for _, turned := range seen {
			rate, _ := values(turned, k)
			fmt.Printf(" %.1f", mean(rate)/1e3)
		}
		fmt.Println()
	}
}

// table has what each device showed, by bring-up.
type table [][]lab.Turned

func (p plan) print(window int, seen table) {
	fmt.Printf("window %d\n", window)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "device\tkfps\tclean\tturns sd %\tneighbours sd %\tbring-ups sd %\tratio\tbring-ups sd %\tcpu ns\tsd %\tcpu ratio\tsd %\tlost")
	for k, name := range specs(p.devices) {
		var within, pairs, means, ratios, cpus, cpuRatios []float64
		clean, all, lost := 0, 0, uint64(0)
		for _, turned := range seen {
			rate, cpu := values(turned, k)
			base, baseCPU := values(turned, 0)
			within = append(within, spread(rate))
			pairs = append(pairs, neighbours(rate, base))
			means = append(means, mean(rate))
			ratios = append(ratios, mean(rate)/mean(base))
			cpus = append(cpus, mean(cpu))
			cpuRatios = append(cpuRatios, mean(cpu)/mean(baseCPU))
			for _, turn := range turned[k].Turns {
				all++
				if turn.Clean {
					clean++
				}
				lost += turn.Sent - min(turn.Sent, turn.Received)
			}
		}
		fmt.Fprintf(t, "%s\t%.1f\t%d/%d\t%.1f\t%.1f\t%.1f\t%.3f\t%.2f\t%.0f\t%.1f\t%.3f\t%.2f\t%d\n", name, mean(means)/1e3, clean, all, 100*mean(within), 100*mean(pairs),
			100*spread(means), mean(ratios), 100*spread(ratios), mean(cpus), 100*spread(cpus), mean(cpuRatios), 100*spread(cpuRatios), lost)
	}
	t.Flush()
}

// values returns rate and CPU time of the turns in rounds in which nothing disturbed any device.
func values(turned []lab.Turned, k int) (rates, cpu []float64) {
	for i := range control.FewestTurns(turned) {
		if control.AllClean(turned, i) {
			rates = append(rates, turned[k].Turns[i].Rate())
			cpu = append(cpu, turned[k].Turns[i].CPU)
		}
	}
	return rates, cpu
}

// neighbours is the standard deviation of the logarithm of the ratios of neighbouring turns.
func neighbours(a, b []float64) float64 {
	var logs []float64
	for i := range min(len(a), len(b)) {
		if a[i] > 0 && b[i] > 0 {
			logs = append(logs, math.Log(a[i]/b[i]))
		}
	}
	return stats.Deviation(logs)
}

// spread is the standard deviation as a share of the mean.
func spread(v []float64) float64 { return stats.Deviation(v) / mean(v) }

func mean(v []float64) float64 { return stats.Mean(v) }
