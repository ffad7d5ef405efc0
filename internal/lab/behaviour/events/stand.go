package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/lab"
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
}

// open brings the device up. With a switch, there is one in the middle of the wan link, so that the left end's link can
// fail while its interface stays as it is.
func (b *Bench) open(ctx context.Context, withSwitch bool) (*stand, error) {
	d := b.Device
	if d.Network != nil || d.Up == nil {
		return nil, lab.UnsupportedError(d.Spec + " has no wan link between two ends to which something could happen")
	}
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	up := d.Up
	d.Network = func(p netns.Plan) netns.Topology { return hosts(p, withSwitch) }
	d.Up = func(ctx context.Context, env dut.Env) (*dut.Session, error) {
		if withSwitch {
			if err := openSwitch(env.Net.NS(switchNode)); err != nil {
				return nil, err
			}
		}
		return up(ctx, env)
	}
	settings := b.Settings
	settings.WAN = ""
	setup, deadline, err := b.Lab.WithoutTester(ctx, d, settings, netns.DefaultLANMTU)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	s := &stand{Setup: setup}
	s.ends = places(setup.Net(), settings.IPv6)
	if err := s.awaitPackets(ctx, deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), s.Close())
	}
	return s, nil
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
func hosts(p netns.Plan, withSwitch bool) netns.Topology {
	t := netns.Hosts(p, nil)
	for i := range t.Links {
		l := &t.Links[i]
		if l.A.Name == netns.Eth0 || l.B.Name == netns.Eth0 {
			l.Offloads = false
		}
	}
	if withSwitch {
		t = throughSwitch(t)
	}
	return t
}

// awaitPackets waits until packets flow both ways.
func (s *stand) awaitPackets(ctx context.Context, deadline time.Time) error {
	limit := max(time.Second, time.Until(deadline))
	stream, err := s.stream(limit)
	if err != nil {
		return err
	}
	flows, err := stream.Await(ctx, 0, limit)
	_, stopped := stream.Stop(0)
	if err = errors.Join(err, stopped); err != nil || flows {
		return err
	}
	if died := s.Alive(); died != nil {
		return lab.DownError{Err: died}
	}
	return lab.DownError{Err: s.NothingThrough("no packet", fmt.Sprintf("UDP from %v to %v and back", s.ends[0].Addr, s.ends[1].Addr))}
}

// stream starts a light stream that runs for a limit at most.
func (s *stand) stream(limit time.Duration) (*probe.Stream, error) {
	return probe.Start(s.ends[0], s.ends[1], every, limit+warm+settle+drain)
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

// switchNode is the node in the middle of the wan link.
const switchNode = "switch"

// throughSwitch puts a switch into the wan link of a topology.
//
//	┌───────────┐     ┌───────────────┐     ┌───────────┐
//	│ left  wan ├─────┤ left ═ right  ├─────┤ wan right │
//	└───────────┘     └───────────────┘     └───────────┘
func throughSwitch(t netns.Topology) netns.Topology {
	t, _ = netns.Between(t)
	rename := func(node *string) {
		if *node == netns.BetweenNode {
			*node = switchNode
		}
	}
	for _, nodes := range [][]string{t.Nodes, t.Relays} {
		for i := range nodes {
			rename(&nodes[i])
		}
	}
	for i := range t.Links {
		rename(&t.Links[i].A.Node)
		rename(&t.Links[i].B.Node)
	}
	return t
}

// openSwitch joins the interfaces of the switch with the kernel's bridge.
func openSwitch(ns *netns.NS) error {
	return ns.Netlink(func(h *netlink.Handle) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "bridge"
		snooping := false
		bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
		if err := h.LinkAdd(bridge); err != nil {
			return lab.UnsupportedError(fmt.Sprintf("this kernel has no bridge (CONFIG_BRIDGE): %v", err))
		}
		for _, port := range []string{netns.Left, netns.Right} {
			link, err := h.LinkByName(port)
			if err == nil {
				err = h.LinkSetMaster(link, bridge)
			}
			if err != nil {
				return err
			}
		}
		return h.LinkSetUp(bridge)
	})
}

// setLink raises or lowers the switch's port towards the left end, whose own interface loses its carrier and keeps its
// routes.
func (s *stand) setLink(up bool) error {
	return s.Net().NS(switchNode).Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(netns.Left)
		if err != nil {
			return err
		}
		if up {
			return h.LinkSetUp(link)
		}
		return h.LinkSetDown(link)
	})
}
