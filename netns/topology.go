package netns

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Topology is a network as a value.
type Topology struct {
	Name       string
	Nodes      []string // one namespace each
	Links      []Link
	Forward    []string // nodes that route between their interfaces
	Relays     []string // nodes where a process passes frames on: what the kernel makes of its copies is no loss
	Routes     []Route
	Neighbours []Neighbour // permanent: nobody asks, nobody answers
}

// Link is a virtual cable: a veth pair with one queue each way.
type Link struct {
	A, B     End
	MTU      int  // octets of IP packet
	Offloads bool // as a real NIC has them; without, frames stay frames, which Build checks
}

// End is one end of a link.
type End struct {
	Node, Name string
	MAC        MAC
	Addrs      []netip.Prefix
	GRO        bool  // polled by NAPI; needed where the peer sends XDP frames, which are lost in silence otherwise
	RPS        []int // CPUs that take the soft interrupts of received frames; none: the sender's
	Sink       bool  // the tester's engine takes every frame here, so that xdp_drops is no loss
}

// Route leads to a prefix; without Via the prefix is on the link.
type Route struct {
	Node, Dev string
	To        netip.Prefix
	Via       netip.Addr
}

// Neighbour ties an address to a MAC on one interface.
type Neighbour struct {
	Node, Dev string
	Addr      netip.Addr
	MAC       MAC
}

// MAC is an Ethernet address.
type MAC [6]byte

// String prints the address as aa:bb:cc:dd:ee:ff.
func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

const (
	maxDevName = 15   // IFNAMSIZ without its zero
	minMTU     = 68   // RFC 791
	minMTU6    = 1280 // RFC 8200 section 5
	maxMTU     = 65535
)

// Validate finds what Build could not make, with the place named.
func (t Topology) Validate() error {
	if t.Name == "" || len(t.Nodes) == 0 {
		return fmt.Errorf("topology %q: needs a name and nodes", t.Name)
	}
	devs := map[string]bool{}
	for i, node := range t.Nodes {
		if node == "" || slices.Contains(t.Nodes[:i], node) {
			return fmt.Errorf("topology %s: node %q is empty or twice there", t.Name, node)
		}
	}
	for _, l := range t.Links {
		if l.MTU < minMTU || l.MTU > maxMTU {
			return fmt.Errorf("topology %s: link %s-%s: mtu %d outside %d-%d", t.Name, l.A.name(), l.B.name(), l.MTU, minMTU, maxMTU)
		}
		for _, e := range []End{l.A, l.B} {
			if !slices.Contains(t.Nodes, e.Node) {
				return fmt.Errorf("topology %s: link end %s: no such node", t.Name, e.name())
			}
			if e.Name == "" || len(e.Name) > maxDevName || devs[e.name()] {
				return fmt.Errorf("topology %s: link end %s: name empty, over %d octets or twice there", t.Name, e.name(), maxDevName)
			}
			devs[e.name()] = true
		}
	}
	return t.validateUses(devs)
}

func (t Topology) validateUses(devs map[string]bool) error {
	for _, node := range t.Forward {
		if !slices.Contains(t.Nodes, node) {
			return fmt.Errorf("topology %s: forwarding node %q: no such node", t.Name, node)
		}
	}
	for _, r := range t.Routes {
		if !devs[r.Node+":"+r.Dev] {
			return fmt.Errorf("topology %s: route to %s: no interface %s:%s", t.Name, r.To, r.Node, r.Dev)
		}
	}
	for _, n := range t.Neighbours {
		if !devs[n.Node+":"+n.Dev] {
			return fmt.Errorf("topology %s: neighbour %s: no interface %s:%s", t.Name, n.Addr, n.Node, n.Dev)
		}
	}
	return nil
}

// name is how reports call an interface: node:name.
func (e End) name() string { return e.Node + ":" + e.Name }

// Polled reports whether received frames wait in the veth's own ring: NAPI is on
// for GRO.
func (e End) Polled() bool { return e.GRO }
