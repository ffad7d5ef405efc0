package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Hosts is one device under test with a client and a server behind its ends
// instead of the tester's ports, ready for streams. The hosts' processes and
// soft interrupts have the tester's cores.
type Hosts struct {
	bench     *Setup
	mtu       int              // of the inner packets
	quiet     float64          // share of a core of the device that is gone when nobody does anything
	processes []*netns.Process // client and server of the measurement that runs
}

const streamPort = 5001

// Hosts builds the network, brings the device up and sees a TCP connection
// through it. The error wraps errors.ErrUnsupported for devices that have no room for hosts.
func (l *Lab) Hosts(ctx context.Context, d dut.Device, s Settings) (*Hosts, error) {
	if d.Network != nil {
		return nil, fmt.Errorf("%s: %w: it joins the tester's ports, and streams need hosts that it routes between", d.Spec, errors.ErrUnsupported)
	}
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	h := &Hosts{mtu: netns.DefaultLANMTU}
	d.Network = func(p netns.Plan) netns.Topology { return netns.Hosts(p, l.hostCPUs()) }
	h.bench = l.newSetup(d, s.Resolved())
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), h.Close())
	}
	return h, nil
}

// hostCPUs are the cores for the hosts' soft interrupts; none where they share the device's.
func (l *Lab) hostCPUs() []int {
	if l.Shared() {
		return nil
	}
	return l.cpus.Tester
}

func (h *Hosts) open(ctx context.Context) error {
	h.quiet = h.bench.lab.quietShare()
	deadline, err := h.bench.up(ctx, h.mtu)
	if err != nil {
		return err
	}
	probe := h.Plan(streams.RR)
	probe.Connect, probe.Warmup, probe.Duration = max(time.Millisecond, time.Until(deadline)), 0, time.Millisecond
	_, err = h.run(ctx, probe, func() {}, func() {})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if died := h.bench.Alive(); died != nil {
		return died
	}
	return fmt.Errorf("no TCP connection came through within %v of its start%s: %w", dut.UpTimeout, h.bench.session.Complaint(), err)
}

// Close takes everything down, the device first.
func (h *Hosts) Close() error { return h.bench.Close() }

// Defaults of a stream measurement.
const (
	DefaultStreamWarmup   = 300 * time.Millisecond
	DefaultStreamDuration = 2 * time.Second
	connectLimit          = 5 * time.Second
)

// Plan is a measurement of a kind with its defaults, in the lab's direction and
// IP version: one connection, messages of one octet.
func (h *Hosts) Plan(kind string) streams.Plan {
	server := netns.Port1Addr
	if h.bench.settings.IPv6 {
		server = netns.Port1Addr6
	}
	return streams.Plan{
		Kind: kind, Server: netip.AddrPortFrom(server, streamPort), Direction: h.bench.settings.Direction, Connections: 1,
		Warmup: DefaultStreamWarmup, Duration: DefaultStreamDuration, Connect: connectLimit, Request: 1, Response: 1,
	}
}

// Measure runs one measurement.
func (h *Hosts) Measure(ctx context.Context, p streams.Plan) (Stream, error) {
	s := Stream{Plan: p, Warnings: []string{}}
	var before, after streamReading
	var err error
	s.Result, err = h.run(ctx, p, func() { before = h.read() }, func() { after = h.read() })
	if died := h.bench.Alive(); died != nil && ctx.Err() == nil {
		return s, fmt.Errorf("%w: %w", ErrDied, died)
	}
	if err != nil {
		return s, err
	}
	h.judge(&s, before, after)
	return s, nil
}

// judge adds what the hosts do not know: the meters' word, and what is to be
// made of it all.
func (h *Hosts) judge(s *Stream, before, after streamReading) {
	l := h.bench.lab
	use := h.use(before, after)
	s.LimitedBy = use.limitedBy()
	s.book(use)
	if rate, ok := h.bench.link.Rate(h.wanFrame()); ok && h.overheadKnown() && s.MSS() > 0 {
		s.ceiling = streams.GoodputCeiling(rate, s.MSS(), h.mtu, h.bench.device.Overhead)
		s.LimitedBy = cmp.Or(s.LimitedBy, s.fillsLink())
	}
	s.check()
	if share := l.foreign(use.run); !l.Shared() && share > maxForeignCPU {
		s.warn("%s used %.0f %% of the device's cores", use.run.others(), 100*share)
		s.disturbed = true
	}
	s.Values = s.values()
	s.Valid = len(s.Warnings) == 0
}

// wanFrame is the length of a full frame on the wan link, with its FCS.
func (h *Hosts) wanFrame() int {
	const ethernet = 18
	return h.mtu + h.bench.device.Overhead + ethernet
}

// overheadKnown tells whether what the device adds to a packet is known: nobody
// knows of a program of the user's own.
func (h *Hosts) overheadKnown() bool {
	return h.bench.device.Overhead > 0 || h.bench.device.Kind == dut.Calibration
}
