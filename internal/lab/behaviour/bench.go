package behaviour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Bench is what a test gets: a machine made ready, and a device that is not up yet.
type Bench struct {
	Lab      *lab.Lab
	Device   dut.Device
	Settings lab.Settings  // of set-ups with the engines of the lab
	LoadTime time.Duration // of a trial in tests at load; 0: half a second
	Long     bool          // tests that wait wait longer: idle for 5 minutes, a link that is down for a minute
}

// Layout is what is particular about the network of a Stand. Zero values stand for what is usual.
type Layout struct {
	LANMTU    int  // netns.DefaultLANMTU
	TunnelMTU int  // that the device is told; netns.DefaultLANMTU
	WANMTU    int  // that leaves room for every tunnel
	IPv6      bool // the device has to carry IPv6 as well
}

// Stand is a network in which the device is up, with the ports and the wan link in the hands of the test.
type Stand struct {
	Setup   *lab.Setup
	ports   [2]*tap.Tap
	poll    tap.Poll // of both ports
	road    *road
	next    uint64 // number of the next probe
	closers closers.Stack
}

// largestFrame is the largest frame that a port or the road carries.
const largestFrame = 2048 + 14

// check returns an error that wraps errors.ErrUnsupported for a device of which nothing can be asked.
func (b *Bench) check() error {
	d := b.Device
	switch {
	case d.Network != nil || d.Up == nil:
		return lab.UnsupportedError(d.Spec + " is no pair of routers with a wan link between them")
	case d.Carries == dut.Streams:
		return lab.UnsupportedError(d.Spec + " carries streams: no packet of a host passes it")
	}
	return nil
}

// Stand brings the device up and waits until a packet passes.
func (b *Bench) Stand(ctx context.Context, l Layout) (*Stand, error) {
	d := b.Device
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	s := &Stand{next: 1}
	if err := s.open(ctx, b, l); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), s.Close())
	}
	return s, nil
}

// on brings the device up for a function.
func (b *Bench) on(ctx context.Context, l Layout, ask func(*Stand) error) error {
	s, err := b.Stand(ctx, l)
	if err != nil {
		return err
	}
	return errors.Join(ask(s), s.Close())
}

// onBoth is on with IPv6 if the device comes up with it; six reports whether it does, and carries it.
func (b *Bench) onBoth(ctx context.Context, l Layout, ask func(s *Stand, six bool) error) error {
	l.IPv6 = true
	s, err := b.Stand(ctx, l)
	if lab.DeviceFailed(err) {
		l.IPv6 = false
		s, err = b.Stand(ctx, l)
	}
	if err != nil {
		return err
	}
	six := l.IPv6
	if six {
		var h Heard
		if h, err = s.Ask(ctx, []Probe{{Length: fieldLength, IPv6: true}}, patience); err == nil {
			_, six = h.Arrived(0)
		}
	}
	if err == nil {
		err = ask(s, six)
	}
	return errors.Join(err, s.Close())
}

func (s *Stand) open(ctx context.Context, b *Bench, l Layout) error {
	d, up := b.Device, b.Device.Up
	d.Network = func(p netns.Plan) netns.Topology {
		p.LANMTU, p.WANMTU = l.LANMTU, l.WANMTU
		t, _ := netns.Between(netns.Dual(p))
		return t
	}
	d.Up = func(ctx context.Context, env dut.Env) (session *dut.Session, err error) {
		if err := s.openTaps(env.Net); err != nil {
			return nil, err
		}
		return up(ctx, env)
	}
	settings := b.Settings
	settings.WAN, settings.IPv6 = "", l.IPv6
	setup, deadline, err := b.Lab.WithoutTester(ctx, d, settings, cmp.Or(l.TunnelMTU, netns.DefaultLANMTU))
	if err != nil {
		return err
	}
	s.Setup = setup
	s.closers.Push(setup.Close)
	return s.awaitPacket(ctx, deadline)
}

// openTaps opens the taps on ports and wan link. Nothing in the network limits the ICMP errors that a router sends,
// so that a test can ask often.
func (s *Stand) openTaps(n *netns.Net) (err error) {
	const slots = 4096
	for i, port := range []string{netns.Port0, netns.Port1} {
		if s.ports[i], err = tap.Open(n.NS(netns.Tester), port, slots, largestFrame, nil); err != nil {
			return err
		}
		s.closers.Push(s.ports[i].Close)
	}
	s.poll = tap.NewPoll(s.ports[left], s.ports[right])
	if s.road, err = openRoad(n, largestFrame); err != nil {
		return err
	}
	s.closers.Push(s.road.Close)
	for _, node := range []string{netns.Left, netns.Right} {
		for _, key := range []string{"net/ipv4/icmp_ratelimit", "net/ipv6/icmp/ratelimit"} {
			if err := n.NS(node).SetSysctl(key, "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Edit sets what happens to the frames of the wan link; nil: nothing.
func (s *Stand) Edit(e tap.Edit) {
	s.road.mu.Lock()
	defer s.road.mu.Unlock()
	s.road.edit = e
}

// Close takes the stand down, the device first.
func (s *Stand) Close() error { return s.closers.Close() }

// awaitPacket waits until a packet has passed.
func (s *Stand) awaitPacket(ctx context.Context, deadline time.Time) error {
	_, err := s.Ask(ctx, nil, time.Until(deadline))
	if !errors.Is(err, errSilent) {
		return err
	}
	if died := s.Setup.Alive(); died != nil {
		return lab.DownError{Err: died}
	}
	return lab.DownError{Err: s.Setup.NothingThrough("no packet", "UDP packets of 100 octets")}
}
