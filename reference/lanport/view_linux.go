package lanport

import (
	"net"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
	"github.com/vishvananda/netlink"
)

// MAC is an Ethernet address.
type MAC [6]byte

// View is a LAN interface at one moment. It does not change.
type View struct {
	Own    MAC
	MTU    int // bytes of IP packet
	hops   bart.Table[MAC]
	routes bart.Table[route]
}

// route is a route of the interface. If via is not valid, the hosts are directly on the link.
type route struct {
	to     netip.Prefix
	via    netip.Addr
	metric int
}

// Hop returns the Ethernet address of the next hop for a destination, the host itself or its gateway. The
// zero MAC means unknown.
func (v *View) Hop(to netip.Addr) MAC {
	m, _ := v.hops.Lookup(to)
	return m
}

// build fills the view from routes, those of the lowest metric first, and the known neighbours.
func (v *View) build(routes []route, known map[netip.Addr]MAC) {
	for _, r := range slices.Backward(routes) { // of two routes to a prefix the first one is inserted last
		v.routes.Insert(r.to, r)
		v.hops.Insert(r.to, known[r.via]) // the zero MAC for hosts on the link, and while the gateway's address is unknown
	}
	for addr, to := range known {
		if r, ok := v.routes.Lookup(addr); ok && !r.via.IsValid() {
			v.hops.Insert(netip.PrefixFrom(addr, addr.BitLen()), to)
		}
	}
}

// routes returns the interface's routes of the main table, those of the lowest metric first.
func (w *Watch) routes() ([]route, error) {
	all, err := whole(func() (all []route, err error) {
		err = w.handle.RouteListFilteredIter(netlink.FAMILY_ALL, &netlink.Route{}, 0, func(r netlink.Route) bool {
			if to, ok := prefixOf(r.Dst); ok {
				if via, ok := w.through(r); ok {
					all = append(all, route{to, via, r.Priority})
				}
			}
			return true
		})
		return all, err
	})
	slices.SortStableFunc(all, func(a, b route) int { return a.metric - b.metric })
	return all, err
}

// prefixOf converts the destination of a route. It returns false for routes of other protocols.
func prefixOf(dst *net.IPNet) (netip.Prefix, bool) {
	if dst == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(dst.IP)
	ones, _ := dst.Mask.Size()
	return netip.PrefixFrom(addr, ones), ok
}

// through returns the gateway of a route through the interface, which is not valid for hosts on the link. Of
// a route with several gateways it returns the first on the interface. It returns false if there is none.
func (w *Watch) through(r netlink.Route) (gateway netip.Addr, ok bool) {
	hops := append(r.MultiPath, &netlink.NexthopInfo{LinkIndex: r.LinkIndex, Gw: r.Gw, Via: r.Via, Flags: r.Flags})
	for _, hop := range hops {
		if hop.LinkIndex != w.ifindex || hop.Flags&deadHop != 0 {
			continue
		}
		ip := hop.Gw
		if via, is := hop.Via.(*netlink.Via); is { // a gateway of the other IP version (RFC 8950)
			ip = via.Addr
		}
		gateway, _ = netip.AddrFromSlice(ip)
		return gateway.Unmap(), true
	}
	return gateway, false
}

// deadHop is RTNH_F_DEAD (linux/rtnetlink.h).
const deadHop = 1

// usable are the neighbour states in which the address may be used (ip-neighbour(8)).
const usable = netlink.NUD_PERMANENT | netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_NOARP

// neighbours returns the known Ethernet addresses, and notes which of them are stale.
func (w *Watch) neighbours() (map[netip.Addr]MAC, error) {
	all, err := whole(func() ([]netlink.Neigh, error) { return w.handle.NeighList(w.ifindex, netlink.FAMILY_ALL) })
	w.stale = w.stale[:0]
	known := make(map[netip.Addr]MAC, len(all))
	for _, n := range all {
		addr, ok := netip.AddrFromSlice(n.IP)
		if !ok || n.State&usable == 0 || len(n.HardwareAddr) != len(MAC{}) {
			continue
		}
		known[addr.Unmap()] = MAC(n.HardwareAddr)
		if n.State == netlink.NUD_STALE {
			w.stale = append(w.stale, addr)
		}
	}
	return known, err
}
