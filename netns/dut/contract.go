package dut

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
)

// side is one end of the tunnel: its node, its contract values, and its networks for each IP
// version.
type side struct {
	node, dev     string
	local, peer   netip.Addr
	local6, peer6 netip.Addr
	ip4, ip6      inside
}

// inside is one IP version inside the tunnel: the addresses of this end and of
// the other, and the tester's networks that are reached through it.
type inside struct {
	own  netip.Prefix
	far  netip.Addr
	nets netip.Prefix
}

// The addresses inside the tunnel.
var (
	leftInner   = netip.MustParsePrefix("192.0.2.129/30")
	rightInner  = netip.MustParsePrefix("192.0.2.130/30")
	leftInner6  = netip.MustParsePrefix("2001:2:0:fffe::1/64")
	rightInner6 = netip.MustParsePrefix("2001:2:0:fffe::2/64")
)

var sides = []side{
	{node: netns.Left, dev: "tb-left", local: netns.LeftWAN.Addr(), peer: netns.RightWAN.Addr(),
		local6: netns.LeftWAN6.Addr(), peer6: netns.RightWAN6.Addr(),
		ip4: inside{leftInner, rightInner.Addr(), netns.RightNets}, ip6: inside{leftInner6, rightInner6.Addr(), netns.RightNets6}},
	{node: netns.Right, dev: "tb-right", local: netns.RightWAN.Addr(), peer: netns.LeftWAN.Addr(),
		local6: netns.RightWAN6.Addr(), peer6: netns.LeftWAN6.Addr(),
		ip4: inside{rightInner, leftInner.Addr(), netns.LeftNets}, ip6: inside{rightInner6, leftInner6.Addr(), netns.LeftNets6}},
}

// environment is the contract's, version 1.
func (b Env) environment(s side) []string {
	cpus := make([]string, len(b.CPUs))
	for i, cpu := range b.CPUs {
		cpus[i] = strconv.Itoa(cpu)
	}
	env := []string{
		"TB_CONTRACT=1", "TB_SIDE=" + s.node, "TB_DEV=" + s.dev, "TB_WAN=" + netns.WAN,
		"TB_LOCAL=" + s.local.String(), "TB_PEER=" + s.peer.String(),
		"TB_LOCAL6=" + s.local6.String(), "TB_PEER6=" + s.peer6.String(),
		"TB_MTU=" + strconv.Itoa(b.MTU), "TB_CPUS=" + strings.Join(cpus, ","), "TB_DIR=" + b.Dir, "TB_RUN=" + b.Run,
	}
	for key, value := range b.Params {
		env = append(env, "TB_PARAM_"+strings.ToUpper(key)+"="+value)
	}
	return env
}

// UpTimeout is the contract's: interface up and first packet through.
const UpTimeout = 10 * time.Second

// start runs a program on both sides as the contract says and connects the interfaces that it
// created.
func (b Env) start(ctx context.Context, path string, args ...string) (*Session, error) {
	s, err := b.launch(ctx, b.interfaceUp, path, args...)
	if err != nil {
		return nil, err
	}
	if err := b.connect(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// launch runs a program on both sides and waits until each is ready.
func (b Env) launch(ctx context.Context, ready func(side) (bool, error), path string, args ...string) (*Session, error) {
	s := &Session{}
	ctx, cancel := context.WithTimeout(ctx, UpTimeout)
	defer cancel()
	for _, side := range sides {
		p, err := netns.Start(b.Net.NS(side.node), netns.Command{
			Path: path, Args: args, Env: append(os.Environ(), b.environment(side)...), CPUs: b.CPUs, Dir: b.Dir,
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start the %s side: %w", side.node, err), s.Close())
		}
		s.processes, s.sides = append(s.processes, p), append(s.sides, side.node)
	}
	for _, side := range sides {
		if err := await(ctx, s, side, ready); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// interfaceUp reports whether a side has brought up the interface that was asked for.
func (b Env) interfaceUp(s side) (bool, error) { return b.Net.NS(s.node).IsUp(s.dev) }

// cannotRun is the exit status by which a program says that it is not for this machine.
const cannotRun = 127

// await polls until the side is ready, its process has ended, or the time is over.
func await(ctx context.Context, s *Session, side side, ready func(side) (bool, error)) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if err := s.Alive(); err != nil {
			return s.refine(err)
		}
		up, err := ready(side)
		if err != nil || up {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("the %s side did not bring %s up within %v%s", side.node, side.dev, UpTimeout, s.Complaint())
		}
	}
}

// refine turns exit status 127 into "unsupported".
func (s *Session) refine(died error) error {
	for _, p := range s.processes {
		select {
		case <-p.Done():
			if p.ExitCode() == cannotRun {
				return fmt.Errorf("%w: %w", errors.ErrUnsupported, died)
			}
		default:
		}
	}
	return died
}

// Complaint is the last line that a side has left on stderr, as the end of an
// error; empty for a tunnel without processes.
func (s *Session) Complaint() string {
	for i, p := range s.processes {
		if last := LastLine(p.Stderr()); last != "" {
			return fmt.Sprintf(": the %s side says: %s", s.sides[i], last)
		}
	}
	if len(s.processes) > 0 {
		return ": neither side says anything on stderr"
	}
	return ""
}

// connect sets MTU, queue, addresses and routes on the tunnel interfaces, and permanent neighbours
// on Ethernet interfaces. It sets up IPv6 only if the environment uses it: a device without IPv6
// can still carry IPv4.
func (b Env) connect() error {
	macs := map[string]netns.MAC{}
	for _, s := range sides {
		mac, err := b.adopt(s)
		if err != nil {
			return err
		}
		macs[s.node] = mac
	}
	for i, s := range sides {
		for _, in := range b.insides(s) {
			if err := b.lead(s, in, macs[sides[1-i].node]); err != nil {
				return err
			}
		}
	}
	return nil
}

// insides are the IP versions that the tunnel has to carry.
func (b Env) insides(s side) []inside {
	if b.IPv6 {
		return []inside{s.ip4, s.ip6}
	}
	return []inside{s.ip4}
}

// lead routes the other side's networks into the tunnel. far is the MAC of the tunnel's other end;
// zero if it has none.
func (b Env) lead(s side, in inside, far netns.MAC) error {
	ns := b.Net.NS(s.node)
	route := netns.Route{Dev: s.dev, To: in.nets}
	if far != (netns.MAC{}) {
		route.Via = in.far
		if err := ns.AddNeighbour(netns.Neighbour{Dev: s.dev, Addr: in.far, MAC: far}); err != nil {
			return err
		}
	}
	return ns.AddRoute(route)
}

// DeviceQueue is the length in packets of a tunnel interface's queue, the same
// for every tunnel: it rides out a stall of some milliseconds.
const DeviceQueue = 2000

// adopt sets one interface up and returns its MAC, zero where it has none.
func (b Env) adopt(s side) (mac netns.MAC, err error) {
	ns := b.Net.NS(s.node)
	err = ns.Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(s.dev)
		if err != nil {
			return fmt.Errorf("%s: %w", s.dev, err)
		}
		if link.Attrs().MTU != b.MTU {
			if err := h.LinkSetMTU(link, b.MTU); err != nil {
				return fmt.Errorf("%s: mtu %d: %w", s.dev, b.MTU, err)
			}
		}
		copy(mac[:], link.Attrs().HardwareAddr)
		return h.LinkSetTxQLen(link, DeviceQueue)
	})
	if err != nil {
		return mac, err
	}
	for _, in := range b.insides(s) {
		if err := ns.AddAddr(s.dev, in.own); err != nil {
			return mac, err
		}
	}
	return mac, ns.SetUp(s.dev, 0)
}
