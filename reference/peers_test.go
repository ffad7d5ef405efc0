package reference

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// tableOf returns a table of n peers with scattered ids, and the ids.
func tableOf(n int) (*peerTable, []uint32) {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	cfg := settings.Config{}
	ids := map[uint32]bool{}
	for len(ids) < n {
		id := rng.Uint32() | 1
		if ids[id] {
			continue
		}
		ids[id] = true
		cfg.Peers = append(cfg.Peers, settings.Peer{ID: id, Endpoint: netip.MustParseAddrPort("192.0.2.1:4754")})
	}
	order := make([]uint32, 0, n)
	for _, p := range cfg.Peers {
		order = append(order, p.ID)
	}
	return newPeerTable(cfg, 1), order
}

func TestPeersByID(t *testing.T) {
	for _, n := range []int{1, 2, 3, 100, 5000} {
		t.Run(fmt.Sprintf("%d peers", n), func(t *testing.T) {
			table, ids := tableOf(n)
			for _, id := range ids {
				if p := table.byID(id); p == nil || p.id != id {
					t.Errorf("id %d: %+v", id, p)
				}
				if p := table.byID(id - 1); p != nil && p.id != id-1 {
					t.Errorf("id %d: the peer of %d", id-1, p.id)
				}
			}
			if p := table.byID(0); p != nil {
				t.Errorf("id 0: the peer of %d", p.id)
			}
		})
	}
}

var foundPeer *peer

func BenchmarkPeersByID(b *testing.B) {
	for _, n := range []int{1, 16, 1024} {
		mask := n - 1
		table, ids := tableOf(n)
		byID := make(map[uint32]*peer, n)
		for _, p := range table.all() {
			byID[p.id] = p
		}
		b.Run(fmt.Sprintf("table/%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				foundPeer = table.byID(ids[i&mask])
			}
		})
		b.Run(fmt.Sprintf("map/%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				foundPeer = byID[ids[i&mask]]
			}
		})
	}
}
