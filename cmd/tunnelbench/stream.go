package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	labstreams "github.com/tunnelbench/tunnelbench/internal/lab/streams"
	tcpstreams "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// streamFlags are the options of a TCP stream trial.
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

// wanted reports whether the user asked for a stream trial. It returns an error for options that do
// not fit together.
func (f *streamFlags) wanted() (bool, error) {
	if f.kind == "" {
		if f.given("connections") {
			return false, cli.BadUsage("--connections: only for streams: give --stream bulk, rr or crr")
		}
		return false, nil
	}
	for _, other := range []string{"load", "size", "pcap"} {
		if f.given(other) {
			return false, cli.BadUsage("--stream and --%s: TCP chooses sizes and rate itself: give only one of them", other)
		}
	}
	if !slices.Contains(tcpstreams.Kinds(), f.kind) {
		return false, cli.BadUsage("--stream %q: bulk, rr or crr", f.kind)
	}
	if f.connections < 1 || f.connections > tcpstreams.MaxConnections {
		return false, cli.BadUsage("--connections %d: from 1 to %d", f.connections, tcpstreams.MaxConnections)
	}
	return true, nil
}

func (f *streamFlags) given(name string) bool {
	return f.set.Changed(name)
}

// runStream runs a stream trial.
func (f *trialFlags) runStream(ctx context.Context, s cli.Streams) error {
	device, cfg, err := f.parseStream()
	if err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	seen, err := labstreams.MeasureOnce(ctx, l, device, cfg.Settings, labstreams.Once{Kind: f.stream.kind, Connections: f.stream.connections, Duration: f.Duration})
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	if !seen.Valid {
		err = fmt.Errorf("%w: %s", cli.ErrNoVerdict, seen.Invalid)
	}
	return errors.Join(err, cli.Said(seen.Write(s.Out, device.Spec, f.json)))
}

func (f *trialFlags) parseStream() (d dut.Device, cfg cli.LabConfig, err error) {
	if f.Device == "" {
		return d, cfg, cli.BadUsage("trial --stream: needs --dut: try tunnelbench trial --help")
	}
	if d, err = dut.Parse(f.Device); err != nil {
		return d, cfg, cli.BadInput(err)
	}
	if err := f.CheckDuration(); err != nil {
		return d, cfg, err
	}
	cfg, err = f.Lab.ConfigFor(netns.DefaultWANMTU, d)
	return d, cfg, err
}
