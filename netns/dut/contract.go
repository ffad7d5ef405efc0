package dut

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/stream"
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

// The versions of the exec contract. The second adds what an end of WireGuard needs.
const (
	contract1 = "1"
	contract2 = "2"
)

// environment returns the environment variables that the exec contract passes to one side.
func (b Env) environment(s side, e end) []string {
	cpus := make([]string, len(b.CPUs))
	for i, cpu := range b.CPUs {
		cpus[i] = strconv.Itoa(cpu)
	}
	env := []string{
		"TB_CONTRACT=" + e.contract, "TB_CARRIES=" + cmp.Or(e.carries, Packets), "TB_SIDE=" + s.node, "TB_WAN=" + netns.WAN,
		"TB_LOCAL=" + s.local.String(), "TB_PEER=" + s.peer.String(),
		"TB_LOCAL6=" + s.local6.String(), "TB_PEER6=" + s.peer6.String(),
		"TB_CPUS=" + strings.Join(cpus, ","), "TB_DIR=" + b.Dir, "TB_RUN=" + b.Run,
	}
	if e.carries == Streams {
		env = append(env, "TB_LISTEN="+stream.Listen(b.IPv6).String(), "TB_TARGET="+stream.Target(b.IPv6).String())
	} else {
		env = append(env, "TB_DEV="+s.dev, "TB_MTU="+strconv.Itoa(b.MTU),
			"TB_INNER="+s.ip4.own.String(), "TB_INNER6="+s.ip6.own.String(), "TB_NETS="+s.ip4.nets.String(), "TB_NETS6="+s.ip6.nets.String())
	}
	for key, value := range e.params {
		env = append(env, "TB_PARAM_"+strings.ToUpper(key)+"="+value)
	}
	if e.contract == contract2 {
		env = append(env, b.wireGuard(s, e).Environment()...)
	}
	return env
}

// connect sets the MTU, the queue length, the addresses and the routes of the tunnel interfaces.
// Ethernet interfaces also get permanent neighbours. connect sets up IPv6 only if b.IPv6 is set, so
// that a tunnel without IPv6 can still carry IPv4. An end without an interface is left out.
func (b Env) connect(ends [2]end) error {
	macs := map[string]netns.MAC{}
	for i, s := range sides {
		if !ends[i].hasInterface() {
			continue
		}
		mac, err := b.configure(s)
		if err != nil {
			return err
		}
		macs[s.node] = mac
	}
	for i, s := range sides {
		if !ends[i].hasInterface() {
			continue
		}
		if err := b.routes(s, macs[sides[1-i].node]); err != nil {
			return err
		}
	}
	return nil
}

// join configures the interface of a side that was started again. With Ethernet, the far side's interface, which has
// stayed, gets to know its new MAC address.
func (b Env) join(s, far side) error {
	mac, err := b.configure(s)
	if err != nil {
		return err
	}
	if mac == (netns.MAC{}) {
		return b.routes(s, mac)
	}
	var farMAC netns.MAC
	err = b.Net.NS(far.node).Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(far.dev)
		if err == nil {
			farMAC = ethernet(link)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", far.dev, err)
	}
	for _, in := range b.innerIPs(far) {
		if err := b.Net.NS(far.node).AddNeighbour(netns.Neighbour{Dev: far.dev, Addr: in.far, MAC: mac}); err != nil {
			return err
		}
	}
	return b.routes(s, farMAC)
}

// ethernet returns the MAC address of an interface, or zero for one without Ethernet: the link-layer address of GRE and
// IPIP is an IPv4 address.
func ethernet(link netlink.Link) (mac netns.MAC) {
	if own := link.Attrs().HardwareAddr; len(own) == len(mac) {
		copy(mac[:], own)
	}
	return mac
}

// routes routes the networks of the other side into the tunnel.
func (b Env) routes(s side, far netns.MAC) error {
	for _, in := range b.innerIPs(s) {
		if err := b.route(s, in, far); err != nil {
			return err
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
		mac = ethernet(link)
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
