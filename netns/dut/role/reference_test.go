package role

import (
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// TestLabPeers checks that both sides use the same tunnel for each of the tester's networks, and
// that the configuration of each side is valid.
func TestLabPeers(t *testing.T) {
	endpoints := map[string]netip.AddrPort{
		netns.Left: netip.MustParseAddrPort("192.0.2.1:1"), netns.Right: netip.MustParseAddrPort("192.0.2.2:1"),
	}
	own, own6 := netip.MustParsePrefix("192.0.2.129/30"), netip.MustParsePrefix("2001:2:0:fffe::1/64")
	atLeft := End{Inner: own, Inner6: own6, Nets: netns.RightNets, Nets6: netns.RightNets6}
	atRight := End{Inner: own, Inner6: own6, Nets: netns.LeftNets, Nets6: netns.LeftNets6}
	for _, n := range []int{1, 2, 3, 256, 1000, maxLabPeers} {
		left, right := labPeers(atLeft, endpoints[netns.Right], n), labPeers(atRight, endpoints[netns.Left], n)
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

// Of the peers of a sealed end the first is the other end, and the configuration is valid with any number of others.
func TestSealedPeers(t *testing.T) {
	own, own6 := netip.MustParsePrefix("192.0.2.129/30"), netip.MustParsePrefix("2001:2:0:fffe::1/64")
	left := End{Side: netns.Left, Inner: own, Inner6: own6, Nets: netns.RightNets, Nets6: netns.RightNets6}
	w := WireGuard{Private: wireguard.PrivateKey{1}, Peer: wireguard.PublicKey{2}, Preshared: wireguard.PresharedKey{3}, Port: WireGuardPort, Endpoint: netip.MustParseAddrPort("192.0.2.2:51820")}
	for _, n := range []int{1, 2, 1000} {
		cfg := settings.Defaults(settings.TUN)
		cfg.Dev, cfg.Listen, cfg.Private = "x", netip.MustParseAddrPort("192.0.2.1:51820"), wireguard.PrivateKey(w.Private)
		cfg.Peers = sealedPeers(left, w, n)
		if err := cfg.Validate(); err != nil || len(cfg.Peers) != n {
			t.Fatalf("%d peers: %d, %v", n, len(cfg.Peers), err)
		}
		first := cfg.Peers[0]
		if first.Public != w.Peer || first.Preshared != w.Preshared || behind(cfg.Peers, netip.MustParseAddr("198.19.200.2")) != referenceID {
			t.Errorf("%d peers: the first is not the other end: %+v", n, first)
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
