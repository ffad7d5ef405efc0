package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	labstreams "github.com/tunnelbench/tunnelbench/internal/lab/streams"
	tcpstreams "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// streamFlags are those of a trial of streams.
type streamFlags struct {
	kind        string
	connections int
	set         *pflag.FlagSet
}

func (f *streamFlags) add(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.kind, "stream", "", "measure TCP instead of frames: `kind` bulk, rr (request and response) or crr (with a connection each)")
	set.IntVar(&f.connections, "connections", 1, "`number` of TCP connections at once, of --stream")
}

// wanted tells whether a trial is one of streams, after a look at what it is not.
func (f *streamFlags) wanted() (bool, error) {
	if f.kind == "" {
		if f.given("connections") {
			return false, badUsage("--connections: those of a stream: give --stream bulk, rr or crr")
		}
		return false, nil
	}
	for _, other := range []string{"load", "size", "pcap"} {
		if f.given(other) {
			return false, badUsage("--stream and --%s: TCP chooses for itself what it sends, and when: give one of them", other)
		}
	}
	if !slices.Contains(tcpstreams.Kinds(), f.kind) {
		return false, badUsage("--stream %q: bulk, rr or crr", f.kind)
	}
	if f.connections < 1 || f.connections > tcpstreams.MaxConnections {
		return false, badUsage("--connections %d: from 1 to %d", f.connections, tcpstreams.MaxConnections)
	}
	return true, nil
}

func (f *streamFlags) given(name string) bool {
	return f.set.Changed(name)
}

// runStream is a trial of streams.
func (f *trialFlags) runStream(ctx context.Context, s streams) error {
	device, cfg, err := f.parseStream()
	if err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	seen, err := f.oneStream(ctx, l, device, cfg.Settings)
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	if err := printStream(s.out, device.Spec, f.json, seen); err != nil {
		return err
	}
	if !seen.Valid {
		return fmt.Errorf("%w: %s", errNoVerdict, seen.Invalid)
	}
	return nil
}

func (f *trialFlags) parseStream() (d dut.Device, cfg labConfig, err error) {
	if f.device == "" {
		return d, cfg, badUsage("trial --stream: needs --dut: try tunnelbench trial --help")
	}
	if d, err = dut.Parse(f.device); err != nil {
		return d, cfg, usageError{err}
	}
	if err := checkDuration(f.duration); err != nil {
		return d, cfg, err
	}
	if cfg, err = f.lab.config(); err != nil {
		return d, cfg, err
	}
	return d, cfg, f.lab.checkWAN(d)
}

func (f *trialFlags) oneStream(ctx context.Context, l *lab.Lab, d dut.Device, set lab.Settings) (labstreams.Stream, error) {
	h, err := labstreams.Open(ctx, l, d, set)
	if err != nil {
		return labstreams.Stream{}, err
	}
	p := h.Plan(f.stream.kind)
	p.Connections, p.Duration = f.stream.connections, f.duration
	seen, err := h.Measure(ctx, p)
	return seen, errors.Join(err, h.Close())
}

func printStream(w io.Writer, device string, asJSON bool, r labstreams.Stream) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			DUT string `json:"dut"`
			labstreams.Stream
		}{device, r})
	}
	fmt.Fprintf(w, "%s, %s, %d connections, %v after %v, TCP %s\n", device, r.Plan.Kind, r.Plan.Connections, r.Plan.Duration, r.Plan.Warmup, r.Algorithm)
	if r.Plan.Kind == tcpstreams.Bulk {
		for _, d := range []string{rfc2544.Forward, rfc2544.Reverse} {
			if sum, slowest, fastest := r.Goodput(d); fastest > 0 {
				fmt.Fprintf(w, "  %s: %.4g Mbit/s, a connection %.4g to %.4g\n", d, sum/1e6, slowest/1e6, fastest/1e6)
			}
		}
		least, smoothed := r.RTT()
		fmt.Fprintf(w, "  %d bytes, %d segments sent again, rtt %v least, %v smoothed, mss %d\n", r.Octets(), r.Retransmits(), least, smoothed, r.MSS())
	} else {
		fmt.Fprintf(w, "  %d transactions in %v, %d failed\n", r.Transactions, r.Elapsed.Round(time.Microsecond), r.Failures)
		printDistribution(w, "latency", r.Latency)
	}
	for _, v := range r.Values {
		fmt.Fprintf(w, "  %s %.5g %s\n", v.Name, v.Value, v.Unit)
	}
	if r.LimitedBy != "" {
		fmt.Fprintf(w, "  limited by: %s\n", r.LimitedBy)
	}
	printDoubts(w, r.Invalid, r.Warnings)
	return nil
}

// goodputOn measures the goodput of one TCP connection in a lab.
func goodputOn(l *lab.Lab) compare.GoodputFunc {
	return func(ctx context.Context, d dut.Device, set lab.Settings) (float64, bool, error) {
		return labstreams.Goodput(ctx, l, d, set)
	}
}
