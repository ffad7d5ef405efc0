package lanport

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func attrs(name string, index, parent, ns int) netlink.LinkAttrs {
	return netlink.LinkAttrs{Name: name, Index: index, ParentIndex: parent, NetNsID: ns, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, byte(index)}}
}

// TestRefusals checks the decision for kinds of interfaces that this kernel may not have.
func TestRefusals(t *testing.T) {
	t.Parallel()
	lan := attrs("lan", 1, 0, -1)
	for name, c := range map[string]struct {
		place place
		want  string
	}{
		"card":                   {place{link: &netlink.Device{LinkAttrs: lan}}, ""},
		"vlan":                   {place{link: &netlink.Vlan{LinkAttrs: lan}, lower: "eth0", answers: true}, ""},
		"bond":                   {place{link: &netlink.Bond{LinkAttrs: lan, Mode: netlink.BOND_MODE_802_3AD}}, ""},
		"bond of many addresses": {place{link: &netlink.Bond{LinkAttrs: lan, Mode: netlink.BOND_MODE_BALANCE_ALB}}, "mode balance-alb"},
		"ipvlan":                 {place{link: &netlink.IPVlan{LinkAttrs: lan}}, "use a macvlan, or port: tun"},
		"macvlan":                {place{link: &netlink.Macvlan{LinkAttrs: lan}, lower: "eth0", answers: true}, "run sysctl -w net/ipv4/conf/eth0/arp_ignore=1"},
		"passthru macvlan":       {place{link: &netlink.Macvlan{LinkAttrs: lan, Mode: netlink.MACVLAN_MODE_PASSTHRU}, lower: "eth0", answers: true}, ""},
		"silent lower":           {place{link: &netlink.Macvlan{LinkAttrs: lan}, lower: "eth0"}, ""},
		"macvlan on it":          {place{link: &netlink.Bond{LinkAttrs: lan}, macvlan: "m0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.place.refusal()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestMacvlanOn checks which interfaces are taken for a macvlan on another.
func TestMacvlanOn(t *testing.T) {
	t.Parallel()
	lan := &netlink.Device{LinkAttrs: attrs("lan", 1, 0, -1)}
	vlan := &netlink.Vlan{LinkAttrs: attrs("lan.7", 2, 1, -1)}
	self := func(mac ...byte) []netlink.Neigh {
		return []netlink.Neigh{{Flags: netlink.NTF_SELF, HardwareAddr: mac}}
	}
	for name, c := range map[string]struct {
		above netlink.Link
		added []netlink.Neigh
		want  string
	}{
		"nothing":                 {vlan, nil, ""},
		"multicast":               {vlan, self(0x33, 0x33, 0, 0, 0, 1), ""},
		"a VLAN with its address": {vlan, self(vlan.HardwareAddr...), ""},
		"macvlan":                 {&netlink.Macvlan{LinkAttrs: attrs("m0", 3, 1, -1)}, nil, "m0"},
		"macvtap":                 {&netlink.Macvtap{Macvlan: netlink.Macvlan{LinkAttrs: attrs("t0", 3, 1, -1)}}, nil, "t0"},
		"on another interface":    {&netlink.Macvlan{LinkAttrs: attrs("m0", 3, 9, -1)}, nil, ""},
		"on another namespace's":  {&netlink.Macvlan{LinkAttrs: attrs("m0", 3, 1, 0)}, nil, ""},
		"in another namespace":    {vlan, self(2, 0, 0, 0, 0, 9), "02:00:00:00:00:09"},
		"learnt by a bridge":      {vlan, []netlink.Neigh{{Flags: netlink.NTF_MASTER, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := macvlanOn(lan, []netlink.Link{lan, c.above}, c.added); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestPlaces asks the kernel of places for a port. Of some is said what does not work there.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		make    func() error // beside lan, which has an address
		port    string
		refusal string
		note    string
	}{
		"alone":                       {func() error { return nil }, "lan", "", ""},
		"macvlan on it":               {macvlanOnLAN, "lan", "", "nothing between it and the macvlan m0"},
		"macvlan":                     {macvlanOnLAN, "m0", "lan below it answers ARP", ""},
		"macvlan on a strict one":     {func() error { return errors.Join(macvlanOnLAN(), withoutRoutes(), strictly("lan")) }, "m0", "", ""},
		"macvlan where all is strict": {func() error { return errors.Join(macvlanOnLAN(), withoutRoutes(), strictly("all")) }, "m0", "", ""},
		"strict for others' requests": {func() error { return errors.Join(macvlanOnLAN(), strictly("lan")) }, "m0", "lan below it answers ARP", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inNewNS(t, func() error {
				if _, err := lanInterface(); err != nil {
					return err
				}
				if err := c.make(); err != nil {
					return err
				}
				port, err := netlink.LinkByName(c.port)
				if err != nil {
					return err
				}
				err = Fits(port.Attrs().Index)
				if (err == nil) != (c.refusal == "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("refused by %v, want %q", err, c.refusal)
				}
				if note := Note(port.Attrs().Index); (note == "") != (c.note == "") || !strings.Contains(note, c.note) {
					t.Errorf("note %q, want %q", note, c.note)
				}
				return nil
			})
		})
	}
}

// macvlanOnLAN makes the macvlan m0.
func macvlanOnLAN() error {
	lan, err := netlink.LinkByName("lan")
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "m0", lan.Attrs().Index
	return netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE})
}

// withoutRoutes removes the addresses of lan, and its routes with them.
func withoutRoutes() error {
	lan, err := netlink.LinkByName("lan")
	if err != nil {
		return err
	}
	addrs, err := netlink.AddrList(lan, netlink.FAMILY_V4)
	for _, a := range addrs {
		err = errors.Join(err, netlink.AddrDel(lan, &a))
	}
	return err
}

// strictly makes an interface drop packets of hosts to which the way back does not lead through it.
func strictly(dev string) error {
	return os.WriteFile("/proc/sys/net/ipv4/conf/"+dev+"/rp_filter", []byte("1"), 0)
}
