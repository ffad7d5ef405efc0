package netns

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Topology describes a network.
type Topology struct {
	Name       string
	Nodes      []string // each node is a network namespace
	Links      []Link
	Forward    []string // nodes that forward IP packets between their interfaces
	Relays     []string // nodes where a process forwards frames; frames that the kernel drops there are not lost
	Routes     []Route
	Neighbours []Neighbour // permanent entries, so that no node sends ARP or neighbour discovery
}

// Link is a veth pair with one queue in each direction.
type Link struct {
	A, B     End
	MTU      int  // maximum size of an IP packet in bytes
	Offloads bool // both ends have offloads like a real NIC; if false, Build turns them off and checks this
}

// End is one end of a link.
type End struct {
	Node, Name string
	MAC        MAC
	Addrs      []netip.Prefix
	GRO        bool  // GRO and NAPI are on; without NAPI the kernel silently drops XDP frames from the peer
	RPS        []int // CPUs for the soft interrupts of received frames; empty: the CPU of the sender
	Sink       bool  // a tester's port: the tester takes every frame, so xdp_drops is no loss
}

// Route is a route to a prefix. If Via is not valid, the prefix is directly on the link.
type Route struct {
	Node, Dev string
	To        netip.Prefix
	Via       netip.Addr
}

// Neighbour is the MAC address of an IP address on one interface.
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
	maxDevName = 15   // IFNAMSIZ without the terminating zero
	minMTU     = 68   // RFC 791
	minMTU6    = 1280 // RFC 8200 section 5
	maxMTU     = 65535
)

// Validate returns an error for a topology that Build cannot create. The error names the wrong
// part.
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
				return fmt.Errorf("topology %s: link end %s: name empty, over %d bytes or twice there", t.Name, e.name(), maxDevName)
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

// name returns the name of the interface in reports: node:name.
func (e End) name() string { return e.Node + ":" + e.Name }

// Polled reports whether received frames wait in the ring of the veth. This is so if NAPI is on,
// which GRO turns on.
func (e End) Polled() bool { return e.GRO }
