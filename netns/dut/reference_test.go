package dut

import (
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

func TestBestPort(t *testing.T) {
	for name, c := range map[string]struct {
		topology netns.Topology
		mtu      int
		want     string
	}{
		"frames":        {netns.Dual(netns.Plan{}), 1500, "xdp"},
		"jumbo frames":  {netns.Dual(netns.Plan{LANMTU: 9000}), 9000, "tun"},
		"super-packets": {netns.Hosts(netns.Plan{}, nil), 1500, "tun"},
	} {
		b := Env{Net: &netns.Net{Topology: c.topology}, MTU: c.mtu}
		if got := b.bestPort(); got != c.want {
			t.Errorf("%s: port %s, want %s", name, got, c.want)
		}
	}
}

// TestLabPeers checks that both sides use the same tunnel for each of the tester's networks, and
// that the configuration of each side is valid.
func TestLabPeers(t *testing.T) {
	endpoints := map[string]netip.AddrPort{
		netns.Left: netip.MustParseAddrPort("192.0.2.1:1"), netns.Right: netip.MustParseAddrPort("192.0.2.2:1"),
	}
	for _, n := range []int{1, 2, 3, 256, 1000, maxLabPeers} {
		left, right := labPeers(netns.Left, endpoints[netns.Right], n), labPeers(netns.Right, endpoints[netns.Left], n)
		for side, peers := range map[string][]settings.Peer{netns.Left: left, netns.Right: right} {
			cfg := settings.Defaults(settings.TUN)
			cfg.Dev, cfg.Listen, cfg.Peers = "x", endpoints[side], peers
			if err := cfg.Validate(); err != nil || len(peers) != n {
				t.Fatalf("%d tunnels, %s: %d peers, %v", n, side, len(peers), err)
			}
		}
		used := map[uint32]bool{}
		for network := range byte(255) {
			there := behind(left, netip.AddrFrom4([4]byte{198, 19, network, 2}))
			back := behind(right, netip.AddrFrom4([4]byte{198, 18, network, 2}))
			if there == 0 || there != back {
				t.Errorf("%d tunnels: network %d goes by %d and comes back by %d", n, network, there, back)
			}
			used[there] = true
		}
		if want := min(n, 255); n < 1000 && len(used) < want*3/4 {
			t.Errorf("%d tunnels: only %d are in use", n, len(used))
		}
	}
}

// behind returns the ID of the peer whose prefixes contain an address, or 0.
func behind(peers []settings.Peer, a netip.Addr) uint32 {
	for _, p := range peers {
		for _, prefix := range p.Prefixes {
			if prefix.Contains(a) {
				return p.ID
			}
		}
	}
	return 0
}
