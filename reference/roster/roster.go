// Package roster keeps the peers of a sealed tunnel while packets flow: who they are, which inner addresses are
// theirs, and what becomes of them when somebody changes them.
//
//	packets ---- look up ----> routes (never changed, replaced as a whole)
//	                             ^
//	Change --> draft --> commit -+--> device
//
// A change is made completely or not at all, and no packet waits for it. Peers that stay keep their sessions.
package roster

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Routes finds the member that has an inner address. Lookups need no lock.
type Routes[M Member] = atomic.Pointer[bart.Table[M]]

// Member is how a tunnel knows a peer.
type Member interface {
	comparable
	// Join tells it what the device knows it by, before any packet is for it.
	Join(*wireguard.Peer)
	// Stats returns its counters.
	Stats() stats.PeerStats
}

// Roster holds the peers of a tunnel. Any goroutine may use it.
type Roster[M Member] struct {
	cfg    settings.Config
	device *wireguard.Device
	routes *Routes[M]
	make   func(settings.Peer) M

	mu     sync.Mutex // guards the following, and writing routes
	peers  map[wireguard.PublicKey]*entry[M]
	order  []*entry[M] // of joining; not changed but replaced; nil: out of date
	joined uint64      // peers so far
	lastID uint32
}

// entry is a peer. It is not changed but replaced.
type entry[M Member] struct {
	settings.Peer                           // Prefixes is nil
	prefixes      map[netip.Prefix]struct{} // also those that have gone to others since
	member        M
	sealed        *wireguard.Peer
	joined        uint64 // order of joining
}

// New returns the roster of a device without peers. make makes a member.
func New[M Member](cfg settings.Config, device *wireguard.Device, routes *Routes[M], make func(settings.Peer) M) *Roster[M] {
	return &Roster[M]{cfg: cfg, device: device, routes: routes, make: make, peers: map[wireguard.PublicKey]*entry[M]{}}
}

// Add adds a peer of the tunnel's Config, whose prefixes are in the routes.
func (r *Roster[M]) Add(now time.Time, p settings.Peer, member M) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &entry[M]{Peer: p, member: member, prefixes: map[netip.Prefix]struct{}{}}
	for _, prefix := range p.Prefixes {
		e.prefixes[prefix] = struct{}{}
	}
	e.Prefixes = nil
	r.number(e)
	return r.set(now, e)
}

// number gives a peer its place, and an id if it has none.
func (r *Roster[M]) number(e *entry[M]) {
	r.joined++
	e.joined = r.joined
	if e.ID == 0 {
		e.ID = r.lastID + 1
		if e.ID == 0 { // after the largest; it is for the counters alone
			e.ID = 1
		}
	}
	r.lastID = max(r.lastID, e.ID)
}

// set makes a peer known to the device. Its endpoint, if it has one, is where the peer is from now on.
func (r *Roster[M]) set(now time.Time, e *entry[M]) error {
	p, err := r.device.SetPeer(now, wireguard.PeerConfig{
		Public: e.Public, Preshared: e.Preshared, Endpoint: e.Endpoint, Keepalive: e.Keepalive, Owner: e.member,
	})
	if err != nil {
		return err
	}
	if old := r.peers[e.Public]; old == nil || old.member != e.member {
		e.member.Join(p)
	}
	e.sealed, r.order = p, nil
	e.Endpoint = netip.AddrPort{} // the device knows it, and follows the peer
	r.peers[e.Public] = e
	return nil
}

// ordered returns the peers in the order of joining. The lock is held.
func (r *Roster[M]) ordered() []*entry[M] {
	if r.order != nil {
		return r.order
	}
	r.order = make([]*entry[M], 0, len(r.peers))
	for _, e := range r.peers {
		r.order = append(r.order, e)
	}
	slices.SortFunc(r.order, func(a, b *entry[M]) int { return cmp.Compare(a.joined, b.joined) })
	return r.order
}

// State is what a tunnel looks like from outside.
type State struct {
	Private wireguard.PrivateKey
	Port    uint16 // UDP port of this end
	Peers   []PeerState
}

// PeerState is what a peer looks like from outside.
type PeerState struct {
	settings.Peer           // Endpoint is where the peer is now; invalid: unknown
	LastHandshake time.Time // zero: never
	Sent          uint64    // bytes of inner packets
	Received      uint64    // likewise
}

// State returns what the peers look like, in the order of joining.
func (r *Roster[M]) State(now time.Time) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	live := make(map[wireguard.PublicKey]wireguard.PeerState, len(r.peers))
	for _, p := range r.device.States(now) {
		live[p.Public] = p
	}
	routes, s := r.routes.Load(), State{Private: r.cfg.Private, Port: r.cfg.Listen.Port()}
	for _, e := range r.ordered() {
		p := PeerState{Peer: e.Peer, LastHandshake: live[e.Public].LastHandshake}
		at := live[e.Public].Endpoint
		p.Endpoint, p.Prefixes = netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), e.owned(routes) // a socket for both families maps IPv4
		counted := e.member.Stats()
		p.Sent, p.Received = counted.SentOctets, counted.ReceivedOctets
		s.Peers = append(s.Peers, p)
	}
	return s
}

// owned returns the prefixes that are the peer's.
func (e *entry[M]) owned(routes *bart.Table[M]) (all []netip.Prefix) {
	for prefix := range e.prefixes {
		if m, _ := routes.Get(prefix); m == e.member {
			all = append(all, prefix)
		}
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return all
}
