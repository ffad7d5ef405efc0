package lanport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
)

// Fits returns nil if hosts can reach a port on the interface, or else why not and what to do.
func Fits(ifindex int) error {
	p, err := placeOf(ifindex)
	return errors.Join(err, p.refusal())
}

// Note returns what a user should know of a port on the interface that works, or an empty text.
func Note(ifindex int) string {
	p, err := placeOf(ifindex)
	if err != nil || p.macvlan == "" {
		return ""
	}
	return fmt.Sprintf("the kernel passes nothing between it and the macvlan %s on it, which cannot reach the port: if it has to, use a macvlan for the port too (ip link add link %s name tb-lan type macvlan mode bridge)", p.macvlan, p.link.Attrs().Name)
}

// place is an interface with the interfaces above and below it.
type place struct {
	link    netlink.Link
	lower   string // the interface below in the same namespace, if there is one
	answers bool   // lower answers ARP requests for all addresses of the host
	macvlan string // a macvlan on the interface, if there is one
}

// refusal returns why hosts cannot reach a port at the place, or nil.
func (p place) refusal() error {
	switch l := p.link.(type) {
	case *netlink.IPVlan, *netlink.IPVtap:
		return errors.New("an ipvlan gets no packets for other hosts: use a macvlan, or port: tun")
	case *netlink.Bond:
		if l.Mode == netlink.BOND_MODE_BALANCE_ALB {
			return fmt.Errorf("a bond in mode %s answers hosts with the Ethernet addresses of its interfaces: use another mode, or port: tun", l.Mode)
		}
	case *netlink.Macvlan:
		if l.Mode != netlink.MACVLAN_MODE_PASSTHRU && p.answers {
			return fmt.Errorf("%s below it answers ARP for all addresses of this host, so that packets bypass it: run sysctl -w net/ipv4/conf/%s/arp_ignore=1", p.lower, p.lower)
		}
	}
	return nil
}

// placeOf reads the place of an interface from the kernel.
func placeOf(ifindex int) (p place, err error) {
	if p.link, err = netlink.LinkByIndex(ifindex); err != nil {
		return p, err
	}
	all, err := whole(netlink.LinkList)
	if err != nil {
		return p, fmt.Errorf("interfaces: %w", err)
	}
	added, err := whole(func() ([]netlink.Neigh, error) { return netlink.NeighList(ifindex, afBridge) })
	if err != nil {
		return p, fmt.Errorf("its Ethernet addresses: %w", err)
	}
	if i := slices.IndexFunc(all, func(l netlink.Link) bool { return on(p.link, l) }); i >= 0 {
		p.lower = all[i].Attrs().Name
		p.answers = setting("arp_ignore", p.lower) == 0 && setting("arp_filter", p.lower) == 0 && !strict(all[i])
	}
	p.macvlan = macvlanOn(p.link, all, added)
	return p, nil
}

// strict reports whether an interface takes ARP requests of no host, because the way back to none leads through it
// (RFC 3704 section 2.2). With routes of its own it depends on the host who asks.
func strict(l netlink.Link) bool {
	routes, err := whole(func() ([]netlink.Route, error) { return netlink.RouteList(l, netlink.FAMILY_V4) })
	return err == nil && len(routes) == 0 && setting("rp_filter", l.Attrs().Name) == 1
}

// afBridge is AF_BRIDGE of linux/socket.h, whose neighbours are the Ethernet addresses that an interface receives.
const afBridge = 7

// macvlanOn returns the name of a macvlan on link, or its Ethernet address if it is in another namespace. There it
// only shows by the address that it adds to link.
func macvlanOn(link netlink.Link, all []netlink.Link, added []netlink.Neigh) string {
	var above []net.HardwareAddr
	for _, l := range all {
		if !on(l, link) {
			continue
		}
		if strings.HasPrefix(l.Type(), "macv") { // macvlan, macvtap
			return l.Attrs().Name
		}
		above = append(above, l.Attrs().HardwareAddr)
	}
	for _, n := range added {
		multicast := len(n.HardwareAddr) == 0 || n.HardwareAddr[0]&1 == 1
		known := slices.ContainsFunc(above, func(a net.HardwareAddr) bool { return slices.Equal(a, n.HardwareAddr) })
		if n.Flags&netlink.NTF_SELF != 0 && !multicast && !known {
			return n.HardwareAddr.String()
		}
	}
	return ""
}

// on reports whether the interface upper is on lower, both in this namespace.
func on(upper, lower netlink.Link) bool {
	switch upper.Type() {
	case "macvlan", "macvtap", "vlan", "ipvlan":
		return upper.Attrs().NetNsID < 0 && upper.Attrs().ParentIndex == lower.Attrs().Index
	}
	return false
}

// setting returns a setting of IPv4 as the kernel takes it, the higher one of all and of the interface, or 0 if it is
// unknown (Documentation/networking/ip-sysctl.rst).
func setting(name, dev string) (value int) {
	for _, of := range []string{"all", dev} {
		text, err := os.ReadFile("/proc/sys/net/ipv4/conf/" + of + "/" + name)
		if n, notNumber := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && notNumber == nil {
			value = max(value, n)
		}
	}
	return value
}
