package netns

import "net/netip"

// The nodes that only Hosts has, and the name of their interface.
const (
	Client = "client"
	Server = "server"
	Eth0   = "eth0"
)

// Hosts returns the topology of Dual with a host in place of each tester port. The hosts have the
// addresses of the ports. The links to the hosts have offloads, like those of real hosts. The soft
// interrupts of the hosts run on cpus, or on the core of the sender if cpus is empty.
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

// host holds the values that differ between the two hosts.
type host struct {
	node           string
	mac, routerMAC MAC
	addrs          []netip.Addr   // addresses of the host, one for each IP version
	routers        []netip.Prefix // address of the router and prefix length of the host's network
	nets           []netip.Prefix // networks behind the router
}

func (h host) end(cpus []int) End {
	e := End{Node: h.node, Name: Eth0, MAC: h.mac, GRO: true, RPS: cpus}
	for i, addr := range h.addrs {
		e.Addrs = append(e.Addrs, netip.PrefixFrom(addr, h.routers[i].Bits()))
	}
	return e
}

// join adds the routes and neighbours that the host needs to reach the other host.
func (h host) join(t *Topology) {
	for i, router := range h.routers {
		t.Neighbours = append(t.Neighbours, Neighbour{Node: h.node, Dev: Eth0, Addr: router.Addr(), MAC: h.routerMAC})
		t.Routes = append(t.Routes, Route{Node: h.node, Dev: Eth0, To: h.nets[i], Via: router.Addr()})
	}
}
