package reference

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gaissmai/bart"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// nextHops finds the Ethernet address of the next hop for every destination on an interface: the host
// itself or the gateway. It follows changes of the kernel's routes and neighbours. It makes the kernel
// resolve missing addresses.
type nextHops struct {
	ifindex int
	handle  *netlink.Handle
	current atomic.Pointer[bart.Table[mac]]
	wanted  chan netip.Addr
	done    chan struct{}
	ended   sync.WaitGroup
	gateway []route // the routes of the last refresh
}

// route is a route of the interface. If via is not valid, the hosts are directly on the link.
type route struct {
	to  netip.Prefix
	via netip.Addr
}

// wantedQueue is the length of the queue of addresses to resolve. When the queue is full, want drops an
// address. The next packet to that address requests it again.
const wantedQueue = 64

// followNextHops follows an interface in the network namespace of the calling thread.
func followNextHops(ifindex int) (*nextHops, error) {
	handle, err := netlink.NewHandle(syscall.NETLINK_ROUTE) // without a list it wants every family of the kernel
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	h := &nextHops{ifindex: ifindex, handle: handle, wanted: make(chan netip.Addr, wantedQueue), done: make(chan struct{})}
	ns, err := netns.Get()
	if err != nil {
		handle.Close()
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	defer ns.Close()
	neighbours, routes := make(chan netlink.NeighUpdate, 64), make(chan netlink.RouteUpdate, 64)
	failed := func(error) {} // the socket's queue was full; the next change refreshes everything
	if err = netlink.NeighSubscribeWithOptions(neighbours, h.done, netlink.NeighSubscribeOptions{Namespace: &ns, ErrorCallback: failed}); err == nil {
		err = netlink.RouteSubscribeWithOptions(routes, h.done, netlink.RouteSubscribeOptions{Namespace: &ns, ErrorCallback: failed})
	}
	if err == nil {
		err = h.refresh()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("follow neighbours: %w", err), h.close())
	}
	h.ended.Go(func() { h.follow(neighbours, routes) })
	return h, nil
}

// follow reads all routes and neighbours again after each change. Changes are rare, and a missed change
// is corrected by the next one.
func (h *nextHops) follow(neighbours chan netlink.NeighUpdate, routes chan netlink.RouteUpdate) {
	for {
		select {
		case u, more := <-neighbours:
			if !more {
				neighbours = nil
			} else if u.LinkIndex == h.ifindex {
				_ = h.refresh()
			}
		case u, more := <-routes:
			if !more {
				routes = nil
			} else if u.LinkIndex == h.ifindex {
				_ = h.refresh()
			}
		case addr := <-h.wanted:
			h.ask(addr)
		case <-h.done:
			return
		}
	}
}

// refresh builds a new table from the kernel's current routes and neighbours.
func (h *nextHops) refresh() error {
	routes, err := h.routes()
	if err != nil {
		return err
	}
	known, err := h.neighbours()
	if err != nil {
		return err
	}
	table := &bart.Table[mac]{}
	for _, r := range routes {
		table.Insert(r.to, known[r.via]) // the zero mac for hosts on the link, and while the gateway's address is unknown
	}
	for addr, to := range known {
		if onLink(routes, addr) {
			table.Insert(netip.PrefixFrom(addr, addr.BitLen()), to)
		}
	}
	h.gateway = routes
	h.current.Store(table)
	return nil
}

// onLink reports whether the longest route to addr has no gateway.
func onLink(routes []route, addr netip.Addr) bool {
	i := slices.IndexFunc(routes, func(r route) bool { return r.to.Contains(addr) })
	return i >= 0 && !routes[i].via.IsValid()
}

// routes returns the interface's routes, longest prefix first.
func (h *nextHops) routes() ([]route, error) {
	filter := &netlink.Route{LinkIndex: h.ifindex}
	all, err := h.handle.RouteListFiltered(netlink.FAMILY_ALL, filter, netlink.RT_FILTER_OIF)
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	var routes []route
	for _, r := range all {
		if r.Dst == nil {
			continue // not an IP route
		}
		addr, ok := netip.AddrFromSlice(r.Dst.IP)
		ones, _ := r.Dst.Mask.Size()
		if !ok {
			continue
		}
		via, _ := netip.AddrFromSlice(r.Gw)
		routes = append(routes, route{netip.PrefixFrom(addr.Unmap(), ones), via.Unmap()})
	}
	slices.SortFunc(routes, func(a, b route) int { return b.to.Bits() - a.to.Bits() })
	return routes, nil
}

// usable are the neighbour states in which the address may be used (ip-neighbour(8)).
const usable = netlink.NUD_PERMANENT | netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_NOARP

func (h *nextHops) neighbours() (map[netip.Addr]mac, error) {
	all, err := h.handle.NeighList(h.ifindex, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("neighbours: %w", err)
	}
	known := make(map[netip.Addr]mac, len(all))
	for _, n := range all {
		addr, ok := netip.AddrFromSlice(n.IP)
		if ok && n.State&usable != 0 && len(n.HardwareAddr) == len(mac{}) {
			known[addr.Unmap()] = mac(n.HardwareAddr)
		}
	}
	return known, nil
}

// table returns the current addresses. The zero mac, or no entry, means unknown.
func (h *nextHops) table() *bart.Table[mac] { return h.current.Load() }

// want requests the Ethernet address of a destination without waiting for it.
func (h *nextHops) want(addr netip.Addr) {
	select {
	case h.wanted <- addr:
	default:
	}
}

// ask makes the kernel resolve the host or its gateway. The kernel ignores a request for an address that it
// is already resolving. The answer arrives as a neighbour change.
func (h *nextHops) ask(addr netip.Addr) {
	i := slices.IndexFunc(h.gateway, func(r route) bool { return r.to.Contains(addr) })
	if i < 0 {
		return
	}
	if via := h.gateway[i].via; via.IsValid() {
		addr = via
	}
	_ = h.handle.NeighSet(&netlink.Neigh{
		LinkIndex: h.ifindex, IP: addr.AsSlice(), State: netlink.NUD_NONE, Flags: netlink.NTF_USE,
	})
}

func (h *nextHops) close() error {
	close(h.done)
	h.ended.Wait()
	h.handle.Close()
	return nil
}
