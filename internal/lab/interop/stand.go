package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// number makes the payloads of all packets different.
var number atomic.Uint64

// layout is what is particular about the network of a check.
type layout struct {
	road      bool                      // the ends reach each other by a road
	caller    int                       // the side whose initiations a road passes on from the start
	crossing  bool                      // the first initiations of both ends cross instead
	underlay6 bool                      // the underlay is IPv6
	shared    [2]wireguard.PresharedKey // preshared key of each side
}

// stand is a network with a pair of ends that are up.
type stand struct {
	net     *netns.Net
	session *dut.Session
	road    *road    // nil: without
	hosts   [2]*host // behind the left side and the right one
	closers closers.Stack
}

// innerMTU is the MTU of the tunnels: that of the LAN, and no multiple of 16.
const innerMTU = netns.DefaultLANMTU

// stand builds a network and brings the pair up in it.
func (t *tester) stand(ctx context.Context, p pair, l layout) (*stand, error) {
	select { // a bring-up needs the processor; many at once would make each late
	case t.building <- struct{}{}:
		defer func() { <-t.building }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s := &stand{}
	if err := s.open(ctx, t, p, l); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stand) open(ctx context.Context, t *tester, p pair, l layout) error {
	env := dut.Env{CPUs: t.cpus, MTU: innerMTU, IPv6: true, Run: fmt.Sprintf("%s-%d", t.run, number.Add(1)), Params: p.device.Values, Underlay6: l.underlay6}
	if err := s.build(ctx, t, l, &env); err != nil {
		return testerError{err}
	}
	session, err := p.device.Up(ctx, env)
	if err == nil {
		s.session = session
		s.closers.Push(session.Close)
	}
	return err
}

// testerError is a failure of the tester, not of an end.
type testerError struct{ error }

func (e testerError) Unwrap() error { return e.error }

// build builds all of a stand but the ends, and completes their environment.
func (s *stand) build(ctx context.Context, t *tester, l layout, env *dut.Env) (err error) {
	if s.net, err = netns.Build(ctx, topology(), netns.Options{}); err != nil {
		return err
	}
	s.closers.Push(s.net.Close)
	if s.hosts[left], err = newHost(s.net.NS(netns.Client), netns.Client, netns.Port0Addr, netns.Port0Addr6); err != nil {
		return err
	}
	s.closers.Push(s.hosts[left].close)
	if s.hosts[right], err = newHost(s.net.NS(netns.Server), netns.Server, netns.Port1Addr, netns.Port1Addr6); err != nil {
		return err
	}
	s.closers.Push(s.hosts[right].close)
	env.Net, env.Dir = s.net, filepath.Join(t.dir, env.Run)
	env.WireGuard = map[string]dut.WireGuard{netns.Left: {Preshared: l.shared[left]}, netns.Right: {Preshared: l.shared[right]}}
	if l.road {
		if s.road, err = openRoad(s.net.NS(netns.Right), l); err != nil {
			return err
		}
		s.closers.Push(s.road.close)
		for side, at := range mouths {
			env.WireGuard[sideNames[side]] = dut.WireGuard{Preshared: l.shared[side], Endpoint: at}
		}
	}
	s.closers.Push(func() error { return os.RemoveAll(env.Dir) })
	return os.Mkdir(env.Dir, 0o755)
}

func (s *stand) close() error { return s.closers.Close() }

// topology is that of two hosts behind the ends. Their links carry single frames, so that every end can serve them.
func topology() netns.Topology {
	t := netns.Hosts(netns.Plan{}, nil)
	for i := range t.Links {
		l := &t.Links[i]
		if l.A.Name == netns.Eth0 || l.B.Name == netns.Eth0 {
			l.Offloads = false
		}
	}
	return t
}

// Limits of the time within which packets have to arrive.
const (
	handshakeLimit = 17 * time.Second // the first packet: initiations that get lost, or cross, are repeated after 5 s
	dataLimit      = 3 * time.Second  // a packet of a session
)

// establish makes a session by packets of one side, and waits until both ways carry packets. A road holds the
// initiations of the other side back meanwhile.
func (s *stand) establish(ctx context.Context, caller int) error {
	limit := handshakeLimit
	if s.road != nil {
		s.road.hold(caller, false)
		s.road.hold(1-caller, true)
		defer s.road.hold(1-caller, false)
		limit = dataLimit
	}
	if err := reach(ctx, s.hosts[caller], s.hosts[1-caller], handshakeLimit); err != nil {
		return fmt.Errorf("no session: %w", s.lastWords(err))
	}
	err := reach(ctx, s.hosts[1-caller], s.hosts[caller], limit)
	return s.lastWords(err)
}

// lastWords adds to an error what the ends last said.
func (s *stand) lastWords(err error) error {
	if err == nil {
		return nil
	}
	if ended := s.session.Alive(); ended != nil {
		return fmt.Errorf("%w; %w", err, ended)
	}
	return err
}

// elsewhere is the address under which an end is heard after it has moved.
var elsewhere = netip.MustParsePrefix("203.0.113.1/32")

// addElsewhere makes the address known: it is one of the right side's.
func (s *stand) addElsewhere() error {
	err := s.net.NS(netns.Right).AddAddr(netns.WAN, elsewhere)
	if err == nil {
		err = s.net.NS(netns.Left).AddRoute(netns.Route{Dev: netns.WAN, To: elsewhere, Via: netns.RightWAN.Addr()})
	}
	if err != nil {
		return testerError{err}
	}
	return nil
}
