package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Hosts is one device under test with a client and a server behind its ends
// instead of the tester's ports, ready for streams. The hosts' processes and
// soft interrupts have the tester's cores.
type Hosts struct {
	lab       *lab.Lab
	setup     *lab.Setup
	mtu       int              // of the inner packets
	quiet     float64          // share of a core of the device that is gone when nobody does anything
	processes []*netns.Process // client and server of the measurement that runs
}

const streamPort = 5001

// Open builds the network, brings the device up and sees a TCP connection
// through it. The error wraps errors.ErrUnsupported for devices that have no room for hosts.
func Open(ctx context.Context, l *lab.Lab, d dut.Device, s lab.Settings) (*Hosts, error) {
	if d.Network != nil {
		return nil, fmt.Errorf("%s: %w: it joins the tester's ports, and streams need hosts that it routes between", d.Spec, errors.ErrUnsupported)
	}
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	h := &Hosts{lab: l, mtu: netns.DefaultLANMTU, quiet: l.IdleShare()}
	d.Network = func(p netns.Plan) netns.Topology { return netns.Hosts(p, hostCPUs(l)) }
	var deadline time.Time
	var err error
	if h.setup, deadline, err = l.WithoutTester(ctx, d, s, h.mtu); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	if err := h.waitReachable(ctx, deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), h.Close())
	}
	return h, nil
}

// hostCPUs are the cores for the hosts' soft interrupts; none where they share the device's.
func hostCPUs(l *lab.Lab) []int {
	if l.Shared() {
		return nil
	}
	return l.CPUPlan().Tester
}

// waitReachable has a transaction go through the device.
func (h *Hosts) waitReachable(ctx context.Context, deadline time.Time) error {
	probe := h.Plan(tcp.RR)
	probe.Connect, probe.Warmup, probe.Duration = max(time.Millisecond, time.Until(deadline)), 0, time.Millisecond
	_, err := h.run(ctx, probe, func() {}, func() {})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if died := h.setup.Alive(); died != nil {
		return died
	}
	return fmt.Errorf("no TCP connection came through within %v of its start%s: %w", dut.UpTimeout, h.setup.StderrTail(), err)
}

// Close takes everything down, the device first.
func (h *Hosts) Close() error { return h.setup.Close() }

// Defaults of a stream measurement.
const (
	DefaultStreamWarmup   = 300 * time.Millisecond
	DefaultStreamDuration = 2 * time.Second
	connectLimit          = 5 * time.Second
)

// Plan is a measurement of a kind with its defaults, in the lab's direction and
// IP version: one connection, messages of one octet.
func (h *Hosts) Plan(kind string) tcp.Plan {
	server := netns.Port1Addr
	if h.setup.Settings().IPv6 {
		server = netns.Port1Addr6
	}
	return tcp.Plan{
		Kind: kind, Server: netip.AddrPortFrom(server, streamPort), Direction: h.setup.Settings().Direction, Connections: 1,
		Warmup: DefaultStreamWarmup, Duration: DefaultStreamDuration, Connect: connectLimit, Request: 1, Response: 1,
	}
}

// Measure runs one measurement.
func (h *Hosts) Measure(ctx context.Context, p tcp.Plan) (Stream, error) {
	s := Stream{Plan: p, Invalid: rfc2544.Reasons{}, Warnings: []string{}}
	var before, after streamReading
	var err error
	s.Result, err = h.run(ctx, p, func() { before = h.read() }, func() { after = h.read() })
	if died := h.setup.Alive(); died != nil && ctx.Err() == nil {
		return s, fmt.Errorf("%w: %w", lab.ErrDied, died)
	}
	if err != nil {
		return s, err
	}
	h.classify(&s, before, after)
	return s, nil
}

// classify adds what the hosts do not know: the meters' word, and what is to be
// made of it all.
func (h *Hosts) classify(s *Stream, before, after streamReading) {
	use := h.use(before, after)
	s.LimitedBy = use.limitedBy()
	s.book(use)
	if rate, ok := h.setup.WANRate(h.wanFrame()); ok && h.overheadKnown() && s.MSS() > 0 {
		s.ceiling = tcp.GoodputCeiling(rate, s.MSS(), h.mtu, h.setup.Device().Overhead)
		s.LimitedBy = cmp.Or(s.LimitedBy, s.fillsLink())
	}
	s.Values = s.values()
	s.reject(append(s.classifyTransfer(), use.Invalid...)...)
}

// wanFrame is the length of a full frame on the wan link, with its FCS.
func (h *Hosts) wanFrame() int {
	const ethernet = 18
	return h.mtu + h.setup.Device().Overhead + ethernet
}

// overheadKnown reports whether what the device adds to a packet is known: nobody
// knows of a program of the user's own.
func (h *Hosts) overheadKnown() bool {
	return h.setup.Device().Overhead > 0 || h.setup.Device().Kind == dut.Calibration
}
