package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/netns/dut/stream"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Hosts is a test set-up for TCP: one device under test with a client and a server at its ends
// instead of the tester's ports. The processes and soft interrupts of client and server run on the
// tester's cores.
type Hosts struct {
	lab       *lab.Lab
	setup     *lab.Setup
	mtu       int              // of the inner packets
	quiet     float64          // share of a core of the device in use without traffic
	processes []*netns.Process // client and server of the current measurement
}

// Open builds the network, brings the device up and waits until a TCP connection passes. The error
// wraps errors.ErrUnsupported for devices that cannot have hosts at their ends.
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

// hostCPUs returns the cores for the soft interrupts of client and server; none if these share the
// device's cores.
func hostCPUs(l *lab.Lab) []int {
	if l.Shared() {
		return nil
	}
	return l.CPUPlan().Tester
}

// waitReachable waits until a transaction passes the device. Over packets TCP itself tries again and again.
// A device that carries streams may accept a connection, or refuse it, before its other end is ready.
func (h *Hosts) waitReachable(ctx context.Context, deadline time.Time) error {
	probe := h.Plan(tcp.RR)
	probe.Warmup, probe.Duration = 0, time.Millisecond
	if h.carriesStreams() {
		probe.Duration = 100 * time.Millisecond // a transaction has to begin in it, on a busy machine too
	}
	var err error
	for patience := time.Second; ; {
		probe.Connect = max(time.Millisecond, time.Until(deadline))
		err = h.probe(ctx, probe, patience)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if failed := h.setup.Session().Failed(); failed != nil {
			return lab.DownError{Err: failed}
		}
		if died := h.setup.Alive(); died != nil {
			return died // the wan link
		}
		if !h.carriesStreams() || time.Now().After(deadline) {
			break
		}
		if errors.Is(err, errPatience) { // it may have needed longer; a refusal comes at once
			patience = min(2*patience, max(patience, time.Until(deadline)))
		}
	}
	tried := fmt.Sprintf("connections from %v to %v", netns.Port0Addr, cmp.Or(probe.Via, probe.Server))
	return lab.DownError{Err: fmt.Errorf("%w: %w", h.setup.NothingThrough("no TCP connection", tried), err)}
}

// errPatience is why a probe ended that was not answered in time.
var errPatience = errors.New("no answer")

// probe runs a transaction. patience limits its time if the device carries streams.
func (h *Hosts) probe(ctx context.Context, p tcp.Plan, patience time.Duration) error {
	if h.carriesStreams() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("%w within %v", errPatience, patience))
		defer cancel()
	}
	r, err := h.run(ctx, p, func() {}, func() {})
	if err == nil && r.Transactions == 0 && h.carriesStreams() { // the connection alone says nothing of the other end
		err = errPatience
	}
	return err
}

// carriesStreams reports whether the device accepts the client's connections itself.
func (h *Hosts) carriesStreams() bool { return h.setup.Device().Carries == dut.Streams }

// Close takes down the set-up, the device first.
func (h *Hosts) Close() error { return h.setup.Close() }

// Net returns the network, for programs that measure beside a stream.
func (h *Hosts) Net() *netns.Net { return h.setup.Net() }

// Defaults of a stream measurement.
const (
	DefaultStreamWarmup   = 300 * time.Millisecond
	DefaultStreamDuration = 2 * time.Second
	connectLimit          = 5 * time.Second
)

// Plan returns the default plan of a kind of measurement, in the lab's direction and IP version:
// one connection, messages of one byte.
func (h *Hosts) Plan(kind string) tcp.Plan {
	s := h.setup.Settings()
	p := tcp.Plan{
		Kind: kind, Server: stream.Target(s.IPv6), Direction: s.Direction, Connections: 1,
		Warmup: DefaultStreamWarmup, Duration: DefaultStreamDuration, Connect: connectLimit, Request: 1, Response: 1,
	}
	if h.carriesStreams() {
		p.Via = stream.Listen(s.IPv6)
	}
	return p
}

// Measure runs one measurement. It ends early if the device does.
func (h *Hosts) Measure(ctx context.Context, p tcp.Plan) (Stream, error) {
	s := Stream{Plan: p, Invalid: rfc2544.Reasons{}, Warnings: []string{}}
	var before, after streamReading
	var err error
	living, stop := h.setup.Session().UntilEnd(ctx)
	defer stop()
	s.Result, err = h.run(living, p, func() { before = h.read() }, func() { after = h.read() })
	if died := h.setup.Alive(); died != nil && ctx.Err() == nil {
		return s, fmt.Errorf("%w: %w", lab.ErrDied, died)
	}
	if err != nil {
		return s, err
	}
	h.classify(&s, before, after)
	return s, nil
}

// classify adds the values of the meters and decides whether the measurement is valid.
func (h *Hosts) classify(s *Stream, before, after streamReading) {
	use := h.use(before, after)
	s.LimitedBy = use.limitedBy()
	s.account(use)
	if rate, ok := h.setup.WANRate(h.wanFrame()); ok && h.overheadKnown() && s.MSS() > 0 {
		s.ceiling = tcp.GoodputCeiling(rate, s.MSS(), h.mtu, h.setup.Device().Overhead)
		s.LimitedBy = cmp.Or(s.LimitedBy, s.fillsLink())
	}
	s.Values = s.values()
	s.reject(append(s.classifyTransfer(), use.Invalid...)...)
}

// wanFrame returns the length of a full frame on the wan link, FCS included.
func (h *Hosts) wanFrame() int {
	const ethernet = 18
	return h.mtu + h.setup.Device().Overhead + ethernet
}

// overheadKnown reports whether the device's overhead per packet is known. For the user's own
// programs it is not.
func (h *Hosts) overheadKnown() bool {
	return h.setup.Device().Overhead > 0 || h.setup.Device().Kind == dut.Calibration
}
