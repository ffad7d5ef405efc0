package lanport

import (
	"net"
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
		"macvlan on it":          {place{link: &netlink.Bond{LinkAttrs: lan}, macvlan: "m0"}, "the macvlan m0 on it"},
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
