package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/nat"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Bench is a machine made ready, and a device that is not up yet.
type Bench struct {
	Lab      *lab.Lab
	Device   dut.Device
	Settings lab.Settings
	Times    Times
}

// Times say how long tests wait. Zero values stand for the defaults.
type Times struct {
	Idle  []time.Duration // without a packet
	Down  []time.Duration // of the wan link
	Limit time.Duration   // until when packets have to flow again
	Rekey time.Duration   // for which an end is watched for new keys
	Bulk  time.Duration   // of a bulk stream
}

// The usual times, and the long ones.
var (
	Usual = Times{
		Idle: []time.Duration{time.Minute}, Down: []time.Duration{time.Second, 10 * time.Second}, Limit: 30 * time.Second,
		Rekey: 130 * time.Second, Bulk: 5 * time.Second,
	}
	Long = Times{
		Idle: []time.Duration{time.Minute, 5 * time.Minute}, Down: []time.Duration{time.Second, 10 * time.Second, time.Minute}, Limit: 3 * time.Minute,
		Rekey: 130 * time.Second, Bulk: 20 * time.Second,
	}
)

// every is the time between two datagrams of a light stream, and with that the best resolution of all times.
const every = time.Millisecond

// Times of a stand.
const (
	warm   = 300 * time.Millisecond // packets flow before something happens
	settle = 500 * time.Millisecond // and after they flow again
	drain  = 200 * time.Millisecond // for packets that are on their way
)

// stand is a device that is up between two hosts.
type stand struct {
	*lab.Setup
	ends [2]probe.Place
	nat  *nat.NAT // in the middle of the wan link; nil: none
}

// middle opens what passes the frames of the wan link on, in a namespace in its middle.
type middle func(s *stand, ns *netns.NS) error

// open brings the device up. Without a middle, the wan link goes from end to end.
func (b *Bench) open(ctx context.Context, through middle) (*stand, error) {
	d := b.Device
	if d.Network != nil || d.Up == nil {
		return nil, lab.UnsupportedError(d.Spec + " has no wan link between two ends to which something could happen")
	}
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	s, up := &stand{}, d.Up
	d.Network = func(p netns.Plan) netns.Topology { return hosts(p, through != nil) }
	d.Up = func(ctx context.Context, env dut.Env) (*dut.Session, error) {
		if through != nil {
			if err := through(s, env.Net.NS(netns.BetweenNode)); err != nil {
				return nil, err
			}
		}
		return up(ctx, env)
	}
	settings := b.Settings
	settings.WAN = ""
	setup, deadline, err := b.Lab.WithoutTester(ctx, d, settings, netns.DefaultLANMTU)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), s.Close())
	}
	s.Setup = setup
	s.ends = places(setup.Net(), settings.IPv6)
	if err := s.awaitPackets(ctx, deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), s.Close())
	}
	return s, nil
}

// Close takes the stand down, the device first.
func (s *stand) Close() (err error) {
	if s.Setup != nil {
		err = s.Setup.Close()
	}
	if s.nat != nil {
		err = errors.Join(err, s.nat.Close())
	}
	return err
}

// places returns the ends of a stream in a network with hosts.
func places(n *netns.Net, ipv6 bool) [2]probe.Place {
	client, server := netns.Port0Addr, netns.Port1Addr
	if ipv6 {
		client, server = netns.Port0Addr6, netns.Port1Addr6
	}
	return [2]probe.Place{
		{NS: n.NS(netns.Client), Dev: netns.Eth0, Addr: client},
		{NS: n.NS(netns.Server), Dev: netns.Eth0, Addr: server},
	}
}

// hosts returns two hosts behind the ends. Their links carry single frames, so that every device can serve them.
func hosts(p netns.Plan, withMiddle bool) netns.Topology {
	t := netns.Hosts(p, nil)
	for i := range t.Links {
		l := &t.Links[i]
		if l.A.Name == netns.Eth0 || l.B.Name == netns.Eth0 {
			l.Offloads = false
		}
	}
	if withMiddle {
		t, _ = netns.Between(t)
	}
	return t
}

// awaitPackets waits until packets flow, first from left and then both ways.
func (s *stand) awaitPackets(ctx context.Context, deadline time.Time) error {
	for _, start := range []func(left, right probe.Place, every, limit time.Duration) (*probe.Stream, error){probe.StartForward, probe.Start} {
		limit := max(time.Second, time.Until(deadline))
		stream, err := start(s.ends[0], s.ends[1], every, limit)
		if err != nil {
			return err
		}
		flows, err := stream.Await(ctx, 0, limit)
		_, stopped := stream.Stop(0)
		if err = errors.Join(err, stopped); err != nil {
			return err
		}
		if !flows {
			return s.dead()
		}
	}
	return nil
}

// dead is the error of a device that carries nothing.
func (s *stand) dead() error {
	if died := s.Alive(); died != nil {
		return lab.DownError{Err: died}
	}
	return lab.DownError{Err: s.NothingThrough("no packet", fmt.Sprintf("UDP from %v to %v and back", s.ends[0].Addr, s.ends[1].Addr))}
}

// stream starts a light stream that runs for a limit at most.
func (s *stand) stream(limit time.Duration) (*probe.Stream, error) {
	return probe.Start(s.ends[0], s.ends[1], every, limit+warm+settle+drain)
}

// during runs a light stream while something happens, which takes a time at most, and until packets flow again or the
// outage's limit has passed. It notes the times in the outage.
func (s *stand) during(ctx context.Context, o *outage, takes time.Duration, happen func() error) (r probe.Result, err error) {
	stream, err := s.stream(takes + o.limit)
	if err != nil {
		return r, err
	}
	defer func() {
		var stopped error
		r, stopped = stream.Stop(drain)
		err = errors.Join(err, stopped)
	}()
	if err := rest(ctx, warm); err != nil {
		return r, err
	}
	o.began = stream.Now()
	err = happen()
	o.ended = stream.Now()
	if err != nil {
		return r, err
	}
	if _, err := stream.Await(ctx, o.ended, o.limit); err != nil {
		return r, err
	}
	return r, rest(ctx, settle)
}

// rest waits, or returns the error of ctx if that ends first.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
