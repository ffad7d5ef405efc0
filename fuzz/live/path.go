package live

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The unknown source: an unused address that the attacked end reaches through its WAN interface. Answers
// to it cross the link and are then dropped.
var (
	unknownAddr  = netip.MustParseAddr("192.0.2.9")
	unknownAddr6 = netip.MustParseAddr("2001:2:0:ffff::9")
	unknownMAC   = netns.MAC{0x02, 0x54, 0x42, 0, 0, 0x66}
)

const unknownPort = 6666

// usualPorts are attacked if the attacked end has no open port: the ports of the mutants' protocols.
var usualPorts = []uint16{4754, 4789, 51820, 6081, 2152}

const noteNoPort = "no UDP port is open at the attacked end: mutants go to the ports of their protocols"

// errNoWAN is returned for devices without a link between two ends.
var errNoWAN = fmt.Errorf("%w: no wan link to attack", lab.ErrConfig)

// place is the attacked node and the node from whose WAN interface mutants are sent.
type place struct{ end, from string }

// placeFor chooses the end that decapsulates the legitimate flow.
func placeFor(direction string) place {
	if direction == rfc2544.Reverse {
		return place{end: netns.Left, from: netns.Right}
	}
	return place{end: netns.Right, from: netns.Left}
}

const ethernetLen = 14

// path finds the ports that the attacked end listens on and lets it answer the unknown source.
func (at place) path(n *netns.Net, senders []Sender) (p mutate.Path, notes []string, err error) {
	mtu, ok := wanMTU(n.Topology, at.from)
	if !ok {
		return p, nil, errNoWAN
	}
	ports, isIPv6, err := udpPorts(n.NS(at.end))
	if err != nil {
		return p, nil, err
	}
	if len(ports) == 0 {
		ports, notes = usualPorts, []string{noteNoPort}
	}
	p = at.addresses(senders, isIPv6)
	p.Ports, p.MTU = ports, min(mtu, loadgen.MaxMutant-ethernetLen)
	return p, notes, admitUnknown(n.NS(at.end), unknownFor(isIPv6))
}

func unknownFor(isIPv6 bool) netip.Addr {
	if isIPv6 {
		return unknownAddr6
	}
	return unknownAddr
}

// addresses returns a path without ports and MTU.
func (at place) addresses(senders []Sender, isIPv6 bool) mutate.Path {
	left, right := netns.LeftWAN.Addr(), netns.RightWAN.Addr()
	if isIPv6 {
		left, right = netns.LeftWAN6.Addr(), netns.RightWAN6.Addr()
	}
	path := mutate.Path{FromMAC: netns.LeftWANMAC, ToMAC: netns.RightWANMAC, To: right, InnerFrom: netns.Port0Addr, InnerTo: netns.Port1Addr}
	peer := left
	if at.end == netns.Left {
		path.FromMAC, path.ToMAC, path.To, peer = netns.RightWANMAC, netns.LeftWANMAC, left, right
		path.InnerFrom, path.InnerTo = path.InnerTo, path.InnerFrom
	}
	for _, s := range senders {
		from := netip.AddrPortFrom(peer, 0)
		if s == Unknown {
			from = netip.AddrPortFrom(unknownFor(isIPv6), unknownPort)
		}
		path.From = append(path.From, from)
		path.Forge = path.Forge || s == Forger
	}
	return path
}

// wanMTU returns the MTU of the link behind the node's WAN interface.
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

// admitUnknown gives the end a route and a neighbour entry for the unknown source, so that it can answer.
func admitUnknown(ns *netns.NS, unknown netip.Addr) error {
	if unknown.Is4() { // the IPv6 address is on the link already
		if err := ns.AddRoute(netns.Route{Dev: netns.WAN, To: netip.PrefixFrom(unknown, unknown.BitLen())}); err != nil {
			return err
		}
	}
	return ns.AddNeighbour(netns.Neighbour{Dev: netns.WAN, Addr: unknown, MAC: unknownMAC})
}

// udpPorts returns the open UDP ports of a namespace: IPv4 ports if there are any, else IPv6 ports.
func udpPorts(ns *netns.NS) (ports []uint16, isIPv6 bool, err error) {
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

// parseUDP reads /proc/net/udp or udp6 (proc(5)): a heading, then one socket in each line, with
// address:port in hexadecimal in the second field. anyAddress reports whether a socket is bound to the
// wildcard address.
func parseUDP(text string) (ports []uint16, anyAddress bool) {
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
		anyAddress = anyAddress || strings.Trim(addr, "0") == ""
	}
	return ports, anyAddress
}
