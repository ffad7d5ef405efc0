package dut

import (
	"cmp"
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
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// side is one end of the tunnel: the node, the values of the exec contract, and the addresses
// inside the tunnel for each IP version.
type side struct {
	node, dev     string
	local, peer   netip.Addr
	local6, peer6 netip.Addr
	ip4, ip6      innerIP
}

// innerIP holds the addresses of one IP version inside the tunnel.
type innerIP struct {
	own  netip.Prefix // address of this end of the tunnel
	far  netip.Addr   // address of the other end of the tunnel
	nets netip.Prefix // the tester's networks behind the other end
}

// The addresses of the two tunnel interfaces.
var (
	leftInner   = netip.MustParsePrefix("192.0.2.129/30")
	rightInner  = netip.MustParsePrefix("192.0.2.130/30")
	leftInner6  = netip.MustParsePrefix("2001:2:0:fffe::1/64")
	rightInner6 = netip.MustParsePrefix("2001:2:0:fffe::2/64")
)

var sides = []side{
	{node: netns.Left, dev: "tb-left", local: netns.LeftWAN.Addr(), peer: netns.RightWAN.Addr(),
		local6: netns.LeftWAN6.Addr(), peer6: netns.RightWAN6.Addr(),
		ip4: innerIP{leftInner, rightInner.Addr(), netns.RightNets}, ip6: innerIP{leftInner6, rightInner6.Addr(), netns.RightNets6}},
	{node: netns.Right, dev: "tb-right", local: netns.RightWAN.Addr(), peer: netns.LeftWAN.Addr(),
		local6: netns.RightWAN6.Addr(), peer6: netns.LeftWAN6.Addr(),
		ip4: innerIP{rightInner, leftInner.Addr(), netns.LeftNets}, ip6: innerIP{rightInner6, leftInner6.Addr(), netns.LeftNets6}},
}

// contract is the version of the exec contract.
const contract = "1"

// environment returns the environment variables that version 1 of the exec contract passes to
// one side.
func (b Env) environment(s side) []string {
	cpus := make([]string, len(b.CPUs))
	for i, cpu := range b.CPUs {
		cpus[i] = strconv.Itoa(cpu)
	}
	env := []string{
		"TB_CONTRACT=" + contract, "TB_SIDE=" + s.node, "TB_DEV=" + s.dev, "TB_WAN=" + netns.WAN,
		"TB_LOCAL=" + s.local.String(), "TB_PEER=" + s.peer.String(),
		"TB_LOCAL6=" + s.local6.String(), "TB_PEER6=" + s.peer6.String(),
		"TB_MTU=" + strconv.Itoa(b.MTU), "TB_CPUS=" + strings.Join(cpus, ","), "TB_DIR=" + b.Dir, "TB_RUN=" + b.Run,
		"TB_INNER=" + s.ip4.own.String(), "TB_INNER6=" + s.ip6.own.String(), "TB_NETS=" + s.ip4.nets.String(), "TB_NETS6=" + s.ip6.nets.String(),
	}
	for key, value := range b.Params {
		env = append(env, "TB_PARAM_"+strings.ToUpper(key)+"="+value)
	}
	return env
}

// start runs a program on both sides as the exec contract says. Then it configures the
// interfaces that the program created.
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

// launch runs a program on both sides and waits until ready reports true for each side.
func (b Env) launch(ctx context.Context, ready func(side) (bool, error), path string, args ...string) (*Session, error) {
	if err := b.sweep(); err != nil {
		return nil, err
	}
	s := &Session{run: b.Run}
	limit := cmp.Or(b.upTimeout, DefaultUpTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
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
		err := await(ctx, s, side, ready)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("the %s side %s within %v of its start%s%s", side.node, b.missing(side), limit, s.StderrTail(), b.moreTime)
		}
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// interfaceUp reports whether the tunnel interface of a side is up.
func (b Env) interfaceUp(s side) (bool, error) { return b.Net.NS(s.node).IsUp(s.dev) }

// sweep deletes tunnel interfaces that an earlier start left behind: a script that was killed does not
// take its VXLAN with it.
func (b Env) sweep() error {
	for _, side := range sides {
		err := b.Net.NS(side.node).Netlink(func(h *netlink.Handle) error {
			link, err := h.LinkByName(side.dev)
			if errors.As(err, &netlink.LinkNotFoundError{}) {
				return nil
			}
			if err != nil {
				return err
			}
			return h.LinkDel(link)
		})
		if err != nil {
			return fmt.Errorf("%s: delete the %s of an earlier start: %w", side.node, side.dev, err)
		}
	}
	return nil
}

// missing says what a side did not do: it made no interface, or it did not raise the one it made.
func (b Env) missing(s side) string {
	made := b.Net.NS(s.node).Netlink(func(h *netlink.Handle) error {
		_, err := h.LinkByName(s.dev)
		return err
	})
	if made != nil {
		return "did not bring " + s.dev + " up: it made no interface of this name"
	}
	return "did not bring " + s.dev + " up: it made it, but did not raise it (ip link set " + s.dev + " up)"
}

// await polls until the side is ready, a process of the tunnel has ended, or ctx is done.
func await(ctx context.Context, s *Session, side side, ready func(side) (bool, error)) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if err := s.Alive(); err != nil {
			return s.exitError(err)
		}
		up, err := ready(side)
		if err != nil || up {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// exitError returns err. If a process ended with exit status 127 (role.CannotRun), the error also
// wraps errors.ErrUnsupported.
func (s *Session) exitError(err error) error {
	for _, p := range s.processes {
		select {
		case <-p.Done():
			if p.ExitCode() == role.CannotRun {
				return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
			}
		default:
		}
	}
	return err
}

// StderrTail returns the last line that each side has written to stderr, as text to append to an
// error. It returns "" for a tunnel without processes.
func (s *Session) StderrTail() string {
	said := ""
	for i, p := range s.processes {
		if last := LastLine(p.Stderr()); last != "" {
			said += fmt.Sprintf("; the %s side says: %s", s.sides[i], last)
		}
	}
	if said == "" && len(s.processes) > 0 {
		return "; neither side says anything on stderr"
	}
	return said
}

// connect sets the MTU, the queue length, the addresses and the routes of both tunnel
// interfaces. Ethernet interfaces also get permanent neighbours. connect sets up IPv6 only if
// b.IPv6 is set, so that a tunnel without IPv6 can still carry IPv4.
func (b Env) connect() error {
	macs := map[string]netns.MAC{}
	for _, s := range sides {
		mac, err := b.configure(s)
		if err != nil {
			return err
		}
		macs[s.node] = mac
	}
	for i, s := range sides {
		for _, in := range b.innerIPs(s) {
			if err := b.route(s, in, macs[sides[1-i].node]); err != nil {
				return err
			}
		}
	}
	return nil
}

// innerIPs returns the addresses of the IP versions that the tunnel has to carry.
func (b Env) innerIPs(s side) []innerIP {
	if b.IPv6 {
		return []innerIP{s.ip4, s.ip6}
	}
	return []innerIP{s.ip4}
}

// route routes the networks of the other side into the tunnel. far is the MAC address of the
// tunnel's other end. It is zero for an interface without Ethernet.
func (b Env) route(s side, in innerIP, far netns.MAC) error {
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

// DeviceQueue is the queue length of a tunnel interface in packets. All tunnels have the same
// length. The queue holds the packets that arrive while the tunnel stalls for some milliseconds.
const DeviceQueue = 2000

// configure sets up the tunnel interface of one side and returns its MAC address. The address
// is zero for an interface without Ethernet.
func (b Env) configure(s side) (mac netns.MAC, err error) {
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
		if own := link.Attrs().HardwareAddr; len(own) == len(mac) { // the link-layer address of GRE and IPIP is an IPv4 address
			copy(mac[:], own)
		}
		return h.LinkSetTxQLen(link, DeviceQueue)
	})
	if err != nil {
		return mac, err
	}
	for _, in := range b.innerIPs(s) {
		if err := ns.AddAddr(s.dev, in.own); err != nil {
			return mac, err
		}
	}
	return mac, ns.SetUp(s.dev, 0)
}
