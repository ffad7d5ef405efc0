package netns

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// Both hosts have offloads and only a route to the other host. Packets from one host reach the
// other host when left and right have routes.
func TestHostsReachEachOther(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Hosts(Plan{}, []int{0}))
	for _, r := range []Route{
		{Node: Left, To: RightNets, Via: RightWAN.Addr()}, {Node: Left, To: RightNets6, Via: RightWAN6.Addr()},
		{Node: Right, To: LeftNets, Via: LeftWAN.Addr()}, {Node: Right, To: LeftNets6, Via: LeftWAN6.Addr()},
	} {
		r.Dev = WAN
		if err := n.NS(r.Node).AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range []string{Client, Server} {
		active := must[[]string](t)(n.NS(node).Offloads(Eth0))
		for _, want := range []string{"tx-tcp-segmentation", "rx-gro"} {
			if !slices.Contains(active, want) {
				t.Errorf("%s: offload %s is off: %v", node, want, active)
			}
		}
		err := n.NS(node).Netlink(func(h *netlink.Handle) error {
			routes, err := h.RouteList(nil, netlink.FAMILY_ALL)
			for _, r := range routes {
				if r.Dst == nil || r.Dst.IP.IsUnspecified() {
					t.Errorf("%s: default route %v", node, r)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, pair := range [][2]netip.Addr{{Port0Addr, Port1Addr}, {Port0Addr6, Port1Addr6}} {
		client, server := listenUDP(t, n.NS(Client), pair[0]), listenUDP(t, n.NS(Server), pair[1])
		if _, err := client.WriteToUDPAddrPort([]byte("ping"), portOf(server)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 16)
		if got, from, err := server.ReadFromUDPAddrPort(buf); err != nil || string(buf[:got]) != "ping" || from.Addr() != pair[0] {
			t.Errorf("%q from %v, %v", buf[:got], from, err)
		}
	}
}
