package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The stranger: an address that the attacked end reaches by its wan interface
// and that nobody has, so that what is sent there comes out of the link and goes
// no further.
var (
	strangerAddr  = netip.MustParseAddr("192.0.2.9")
	strangerAddr6 = netip.MustParseAddr("2001:2:0:ffff::9")
	strangerMAC   = netns.MAC{0x02, 0x54, 0x42, 0, 0, 0x66}
)

const strangerPort = 6666

// usualPorts are attacked where none is open: those of the mutants' protocols.
var usualPorts = []uint16{4754, 4789, 51820, 6081, 2152}

// open brings the device up with the attacker beside it: a set-up whose engine sends
// into the underlay as well.
func (a *raid) open(ctx context.Context, d dut.Device) (*Setup, error) {
	b, err := a.lab.SetupWith(ctx, d, a.plan.Settings, a.plan.Size, a.prepare)
	if err != nil {
		return nil, err
	}
	if err := a.join(b); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), b.Close())
	}
	return b, nil
}

// prepare finds the way for the mutants, and room for them in the engine.
func (a *raid) prepare(b *Setup, cfg *loadgen.EngineConfig) error {
	if err := a.findPath(b); err != nil {
		return err
	}
	length, _ := a.plan.schedule()
	a.sender = newSender(a.report.mutants, a.report.path, a.plan.Rate, a.stranger())
	if b.settings.Engine == EngineAFPacket {
		return nil
	}
	cfg.MutantRoom = min(mostRoom, a.sender.needs(length)*mutantRoom)
	var err error
	cfg.Underlay, err = underlayPort(b.net, a.from())
	return err
}

// join gives the sender its way onto the link, and has answers counted.
func (a *raid) join(b *Setup) error {
	if err := a.joinSender(b); err != nil {
		return err
	}
	var err error
	if a.answers, err = countAnswers(b.net.NS(a.from()), a.stranger()); err != nil {
		return fmt.Errorf("count answers: %w", err)
	}
	b.Defer(a.answers.close)
	return nil
}

// from is the node by whose wan interface mutants come onto the link.
func (a *raid) from() string {
	if a.end == netns.Left {
		return netns.Right
	}
	return netns.Left
}

func (a *raid) stranger() netip.Addr {
	if a.report.path.To.Is6() {
		return strangerAddr6
	}
	return strangerAddr
}

// findPath chooses the end that takes the legitimate flow out of the tunnel, and
// finds out where it listens.
func (a *raid) findPath(b *Setup) error {
	a.end = netns.Right
	if a.plan.Settings.Direction == rfc2544.Reverse {
		a.end = netns.Left
	}
	mtu, ok := wanMTU(b.net.Topology, a.from())
	if !ok || b.device.Up == nil {
		return fmt.Errorf("%w: %w", ErrConfig, errNoWAN)
	}
	ports, is6, err := udpPorts(b.net.NS(a.end))
	if err != nil {
		return err
	}
	if len(ports) == 0 {
		ports = usualPorts
		a.report.Notes = append(a.report.Notes, "no UDP port is open at the attacked end: mutants go to those of their protocols")
	}
	a.report.path = a.pathTo(is6, ports, min(mtu, loadgen.MaxMutant-ethernetLen))
	a.report.mutants = a.plan.Mutants(a.report.path)
	a.report.Attacked = a.end
	for _, port := range ports {
		a.report.Ports = append(a.report.Ports, int(port))
	}
	return letIn(b.net.NS(a.end), a.stranger())
}

const ethernetLen = 14

func (a *raid) pathTo(is6 bool, ports []uint16, mtu int) mutate.Path {
	left, right, stranger := netns.LeftWAN.Addr(), netns.RightWAN.Addr(), strangerAddr
	if is6 {
		left, right, stranger = netns.LeftWAN6.Addr(), netns.RightWAN6.Addr(), strangerAddr6
	}
	path := mutate.Path{
		FromMAC: netns.LeftWANMAC, ToMAC: netns.RightWANMAC, To: right, Ports: ports, MTU: mtu,
		InnerFrom: netns.Port0Addr, InnerTo: netns.Port1Addr,
	}
	peer := left
	if a.end == netns.Left {
		path.FromMAC, path.ToMAC, path.To, peer = netns.RightWANMAC, netns.LeftWANMAC, left, right
		path.InnerFrom, path.InnerTo = path.InnerTo, path.InnerFrom
	}
	for _, as := range a.plan.As {
		from := netip.AddrPortFrom(peer, 0)
		if as == AttackStranger {
			from = netip.AddrPortFrom(stranger, strangerPort)
		}
		path.From = append(path.From, from)
		path.Forge = path.Forge || as == AttackForger
	}
	return path
}

// wanMTU is that of the link behind the node's wan interface.
func wanMTU(t netns.Topology, node string) (mtu int, ok bool) {
	for _, l := range t.Links {
		for _, e := range []netns.End{l.A, l.B} {
			if e.Node == node && e.Name == netns.WAN {
				return l.MTU, true
			}
		}
	}
	return 0, false
}

// letIn makes the end answer a stranger without asking where he is.
func letIn(ns *netns.NS, stranger netip.Addr) error {
	if stranger.Is4() { // IPv6's is on the link as it is
		if err := ns.AddRoute(netns.Route{Dev: netns.WAN, To: netip.PrefixFrom(stranger, stranger.BitLen())}); err != nil {
			return err
		}
	}
	return ns.AddNeighbour(netns.Neighbour{Dev: netns.WAN, Addr: stranger, MAC: strangerMAC})
}

// udpPorts are those that are open in a namespace, IPv4's if there are any.
func udpPorts(ns *netns.NS) (ports []uint16, is6 bool, err error) {
	var text, text6 []byte
	err = ns.Do(func() (err error) {
		if text, err = os.ReadFile("/proc/thread-self/net/udp"); err != nil {
			return err
		}
		text6, err = os.ReadFile("/proc/thread-self/net/udp6")
		if errors.Is(err, os.ErrNotExist) { // a kernel without IPv6
			return nil
		}
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("open ports: %w", err)
	}
	ports4, _ := parseUDP(string(text))
	ports6, dual := parseUDP(string(text6))
	if len(ports4) == 0 && len(ports6) > 0 && !dual {
		return ports6, true, nil
	}
	if dual {
		ports4 = append(ports4, ports6...)
	}
	slices.Sort(ports4)
	return slices.Compact(ports4), false, nil
}

// parseUDP reads /proc/net/udp or udp6: a headline, then a socket a line, whose
// second field is address:port in hexadecimal. everywhere tells of one without an address.
func parseUDP(text string) (ports []uint16, everywhere bool) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, port, _ := strings.Cut(fields[1], ":")
		n, err := strconv.ParseUint(port, 16, 16)
		if err != nil || n == 0 {
			continue
		}
		ports = append(ports, uint16(n))
		everywhere = everywhere || strings.Trim(addr, "0") == ""
	}
	return ports, everywhere
}

// joinSender gives the sender its way onto the link.
func (a *raid) joinSender(b *Setup) error {
	if loader, ok := b.MutantLoader(); ok {
		a.sender.loader = loader
		a.report.Sender = "the tester's loop in the kernel"
		a.report.Notes = append(a.report.Notes, "GRO is on where mutants arrive, in quiet trials too: without it the kernel takes no frames of its own making")
		return nil
	}
	socket, err := openWANSocket(b.net.NS(a.from()))
	if err != nil {
		return err
	}
	b.Defer(socket.close)
	a.sender.socket, a.sender.cpus = socket, b.CPUs()
	a.report.Sender = "a packet socket on the device's core"
	return nil
}

// underlayPort is the node's wan interface, whose peer takes frames that the
// kernel makes only when it is polled, for which GRO is the switch.
func underlayPort(n *netns.Net, node string) (*loadgen.Port, error) {
	port := &loadgen.Port{Enter: n.NS(node).Do}
	if err := port.Enter(func() error {
		dev, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			port.Index = dev.Index
		}
		return err
	}); err != nil {
		return nil, err
	}
	peer, ok := peerOf(n.Topology, node)
	if !ok {
		return nil, errNoWAN
	}
	err := n.NS(peer.Node).Do(func() error { return sys.SetEthFeatures(peer.Name, map[string]bool{"rx-gro": true}) })
	if err != nil {
		return nil, fmt.Errorf("%s:%s: switch GRO on: %w", peer.Node, peer.Name, err)
	}
	return port, nil
}

// peerOf is the other end of the link behind the node's wan interface.
func peerOf(t netns.Topology, node string) (netns.End, bool) {
	for _, l := range t.Links {
		switch {
		case l.A.Node == node && l.A.Name == netns.WAN:
			return l.B, true
		case l.B.Node == node && l.B.Name == netns.WAN:
			return l.A, true
		}
	}
	return netns.End{}, false
}
