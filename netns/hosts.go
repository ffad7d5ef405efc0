package netns

import "net/netip"

// The nodes of Hosts that Dual lacks, and their one interface.
const (
	Client = "client"
	Server = "server"
	Eth0   = "eth0"
)

// Hosts is Dual with a host in place of each of the tester's ports, at the same
// address. Both have their offloads on, as real hosts do; their soft interrupts
// run on cpus (none: on the sender's core).
//
//	       client                left                       right               server
//	┌───────────────────┐  ┌─────────────────┐        ┌─────────────────┐  ┌───────────────────┐
//	│ eth0  198.18.0.2  ├──┤ lan        wan  ├────────┤ wan        lan  ├──┤ eth0  198.19.0.2  │
//	└───────────────────┘  └─────────────────┘        └─────────────────┘  └───────────────────┘
func Hosts(p Plan, cpus []int) Topology {
	t := Dual(p)
	t.Name = "hosts"
	t.Nodes = []string{Client, Left, Right, Server}
	client := host{node: Client, mac: Port0MAC, routerMAC: LeftLANMAC, nets: []netip.Prefix{RightNets, RightNets6},
		addrs: []netip.Addr{Port0Addr, Port0Addr6}, routers: []netip.Prefix{LeftLAN, LeftLAN6}}
	server := host{node: Server, mac: Port1MAC, routerMAC: RightLANMAC, nets: []netip.Prefix{LeftNets, LeftNets6},
		addrs: []netip.Addr{Port1Addr, Port1Addr6}, routers: []netip.Prefix{RightLAN, RightLAN6}}
	for i := range t.Links {
		for _, end := range []*End{&t.Links[i].A, &t.Links[i].B} {
			switch {
			case end.Node != Tester:
				continue
			case end.Name == Port0:
				*end = client.end(cpus)
			case end.Name == Port1:
				*end = server.end(cpus)
			}
			t.Links[i].Offloads = true
		}
	}
	client.join(&t)
	server.join(&t)
	return t
}

// host holds the values in which the two hosts differ.
type host struct {
	node           string
	mac, routerMAC MAC
	addrs          []netip.Addr   // its own, per IP version
	routers        []netip.Prefix // its router's address and the length of its own network
	nets           []netip.Prefix // behind the router
}

func (h host) end(cpus []int) End {
	e := End{Node: h.node, Name: Eth0, MAC: h.mac, GRO: true, RPS: cpus}
	for i, addr := range h.addrs {
		e.Addrs = append(e.Addrs, netip.PrefixFrom(addr, h.routers[i].Bits()))
	}
	return e
}

// join adds the host's way to the other one.
func (h host) join(t *Topology) {
	for i, router := range h.routers {
		t.Neighbours = append(t.Neighbours, Neighbour{Node: h.node, Dev: Eth0, Addr: router.Addr(), MAC: h.routerMAC})
		t.Routes = append(t.Routes, Route{Node: h.node, Dev: Eth0, To: h.nets[i], Via: router.Addr()})
	}
}
