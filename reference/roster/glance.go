package roster

import (
	"iter"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Glance is what a reader who looks often sees of a peer. State has more, and data wait for it.
type Glance struct {
	stats.PeerStats
	Public wireguard.PublicKey // zero: the tunnel is plain
	wireguard.Sight
}

// Glances visits the peers in the order of joining. It takes no lock that data wait for; changes of peers wait only
// until it has begun.
func (r *Roster[M]) Glances() iter.Seq[Glance] {
	return func(yield func(Glance) bool) {
		r.mu.Lock()
		all := r.ordered()
		r.mu.Unlock()
		for _, e := range all {
			g := Glance{e.member.Stats(), e.Public, e.sealed.Sight()}
			g.Endpoint = netip.AddrPortFrom(g.Endpoint.Addr().Unmap(), g.Endpoint.Port()) // a socket for both families maps IPv4
			if !yield(g) {
				return
			}
		}
	}
}

// Plain visits the peers of a plain tunnel, which have counters alone.
func Plain[M interface{ Stats() stats.PeerStats }](all []M) iter.Seq[Glance] {
	return func(yield func(Glance) bool) {
		for _, m := range all {
			if !yield(Glance{PeerStats: m.Stats()}) {
				return
			}
		}
	}
}
