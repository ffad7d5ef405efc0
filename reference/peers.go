package reference

import (
	"net/netip"
	"sync/atomic"

	"github.com/gaissmai/bart"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// endpoint is the underlay address of one or more peers.
type endpoint struct {
	addr netip.AddrPort
	name any // the address in the format of the socket calls (struct sockaddr)
}

func newEndpoint(addr netip.AddrPort) *endpoint { return &endpoint{addr, socketName(addr)} }

// peer is the other end of one tunnel. encap owns sequence and at, decap owns window and received. The
// other fields do not change.
type peer struct {
	id       uint32
	endpoint *endpoint
	sequence uint64 // sequence number of the next datagram
	sent     stats.Traffic
	_        [64]byte // puts the two directions on separate cache lines
	window   wire.Window
	received stats.Traffic
	restarts atomic.Uint64 // of window

	// Of a sealed tunnel.
	sealed *wireguard.Peer
	at     *endpoint // where encap last sent to
}

// peerTable finds peers by tunnel id and by inner address. Any number of goroutines may use it: its parts never
// change, but are replaced as a whole.
type peerTable struct {
	ids      atomic.Pointer[idTable]
	prefixes roster.Routes[*peer]
}

// idTable finds peers by tunnel id. It is a hash table of its own, because every datagram needs a lookup: 6, 4 and 10 ns
// with 1, 16 and 1024 peers, where a map[uint32]*peer takes 6, 18 and 16 ns (BenchmarkPeersByID, fastest of 7 runs).
type idTable struct {
	all   []*peer
	slots []*peer // by id with open addressing, at most half full
	shift int     // right shift of the hash value
}

// newPeerTable returns the peers of a valid Config. first is the first sequence number of each peer.
func newPeerTable(cfg settings.Config, first uint64) *peerTable {
	t := &peerTable{}
	t.ids.Store(newIDTable(0))
	ids, prefixes := t.with(cfg.Peers, first)
	t.ids.Store(ids)
	t.prefixes.Store(prefixes)
	return t
}

// with returns the parts of a table of other peers. One that has the id and the endpoint of before is the same.
func (t *peerTable) with(peers []settings.Peer, first uint64) (*idTable, *bart.Table[*peer]) {
	old, endpoints := t.ids.Load(), t.ids.Load().endpoints()
	ids, prefixes := newIDTable(len(peers)), new(bart.Table[*peer])
	for _, c := range peers {
		if endpoints[c.Endpoint] == nil {
			endpoints[c.Endpoint] = newEndpoint(c.Endpoint)
		}
		p := old.byID(c.ID)
		if p == nil || p.endpoint.addr != c.Endpoint {
			p = &peer{id: c.ID, endpoint: endpoints[c.Endpoint], sequence: first}
		}
		ids.add(p)
		for _, prefix := range c.Prefixes {
			prefixes.Insert(prefix, p)
		}
	}
	return ids, prefixes
}

func (t *peerTable) all() []*peer { return t.ids.Load().all }

// endpoints returns the endpoint addresses of all peers, each once.
func (t *idTable) endpoints() map[netip.AddrPort]*endpoint {
	all := make(map[netip.AddrPort]*endpoint, 1)
	for _, p := range t.all {
		all[p.endpoint.addr] = p.endpoint
	}
	return all
}

func newIDTable(peers int) *idTable {
	size, shift := 2, 31
	for size < 2*peers {
		size, shift = 2*size, shift-1
	}
	return &idTable{slots: make([]*peer, size), shift: shift}
}

func (t *idTable) add(p *peer) {
	t.all = append(t.all, p)
	i := t.slot(p.id)
	for t.slots[i] != nil {
		i = (i + 1) % len(t.slots)
	}
	t.slots[i] = p
}

// byID returns the peer with a tunnel id, or nil.
func (t *peerTable) byID(id uint32) *peer { return t.ids.Load().byID(id) }

// slot returns the first slot for an id (Fibonacci hashing).
func (t *idTable) slot(id uint32) int { return int(id * 2654435769 >> t.shift) }

func (t *idTable) byID(id uint32) *peer {
	for i := t.slot(id); ; i = (i + 1) % len(t.slots) {
		if p := t.slots[i]; p == nil || p.id == id {
			return p
		}
	}
}

// byDestination returns the peer whose prefixes contain the packet's destination, or nil. The packet
// must pass inner.IsIP.
func (t *peerTable) byDestination(packet []byte) *peer {
	p, _ := t.prefixes.Load().Lookup(inner.Destination(packet))
	return p
}

// bySource returns the peer whose prefixes contain the packet's source, or nil.
func (t *peerTable) bySource(packet []byte) *peer {
	p, _ := t.prefixes.Load().Lookup(inner.Source(packet))
	return p
}

// Join implements roster.Member.
func (p *peer) Join(sealed *wireguard.Peer) { p.sealed = sealed }

// Stats implements roster.Member.
func (p *peer) Stats() stats.PeerStats {
	s := stats.PeerStats{ID: p.id, Restarts: p.restarts.Load()}
	s.SentPackets, s.SentOctets = p.sent.Load()
	s.ReceivedPackets, s.ReceivedOctets = p.received.Load()
	return s
}
