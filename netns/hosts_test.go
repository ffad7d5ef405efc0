package netns

import (
	"slices"
	"testing"
)

// Hosts differs from Dual only in the nodes at both ends, also with a node in the WAN link.
func TestHostsTakeThePortsPlaces(t *testing.T) {
	plan := Plan{LANMTU: 1400, PlainWAN: true, RPS: []int{1}}
	dual, hosts := Dual(plan), Hosts(plan, []int{0})
	if between, ok := Between(hosts); !ok || between.Validate() != nil || hosts.Validate() != nil {
		t.Errorf("%v, %v", hosts.Validate(), between.Validate())
	}
	if slices.Contains(hosts.Nodes, Tester) || len(hosts.Links) != len(dual.Links) {
		t.Errorf("nodes %v, %d links", hosts.Nodes, len(hosts.Links))
	}
	for i, l := range hosts.Links {
		was := dual.Links[i]
		isLAN := was.A.Node == Tester || was.B.Node == Tester
		if l.MTU != was.MTU || l.Offloads != (isLAN || was.Offloads) {
			t.Errorf("link %s-%s: mtu %d, offloads %t", l.A.name(), l.B.name(), l.MTU, l.Offloads)
		}
		for _, pair := range [][2]End{{l.A, was.A}, {l.B, was.B}} {
			is, was := pair[0], pair[1]
			switch {
			case was.Node != Tester && (is.name() != was.name() || is.MAC != was.MAC || !slices.Equal(is.RPS, was.RPS)):
				t.Errorf("%s has become %+v", was.name(), is)
			case was.Node == Tester && (is.Name != Eth0 || is.Sink || !is.GRO || len(is.Addrs) != 2 || !slices.Equal(is.RPS, []int{0})):
				t.Errorf("%s has become %+v", was.name(), is)
			}
		}
	}
}
