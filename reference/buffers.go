package reference

import "github.com/tunnelbench/tunnelbench/reference/wire"

// Limits of one UDP_SEGMENT send (udp(7) and udp_send_skb in net/ipv4/udp.c).
const (
	// maxRun is the most datagrams of a run. The kernel allows 64 before 6.9
	// and compares with the UDP header counted, so 63 full ones are safe.
	maxRun = 63
	// maxRunOctets is the largest UDP payload over IPv6, hence also over IPv4.
	maxRunOctets = 65535 - 40 - 8
)

// How many packets a batch holds: as many runs of small packets as the figures
// say. Super-packets come in larger numbers; frames fit better into the caches in fewer.
const (
	frameBatch = 2 * maxRun
	superBatch = 4 * maxRun
)

// maxSlab bounds the memory of a batch of large packets, in octets.
const maxSlab = 1 << 19

// batch is a slab into which packets are read one behind the other, each with
// headroom in front for its header:
//
//	| header | packet 0 | header | packet 1 | header | packet 2 |   free   |
//	 `---- datagram 0 --'                                       ^ end
//
// So sealing copies nothing, and datagrams of one size lie in memory as a
// single UDP_SEGMENT send wants them. A batch belongs to one goroutine at a
// time; it is made once and reset for each use.
type batch struct {
	tally     Direction
	slab      []byte
	room      int // longest packet that is read
	end       int // octets of slab in use
	datagrams []span
}

// span is where a datagram stands in the slab, and what becomes of it.
type span struct {
	start, end int
	peer       *peer
	sequence   uint64
	refused    bool // by the socket
}

func (s span) len() int { return s.end - s.start }

// newBatch makes room for packets of up to mtu octets, and one more, so that a
// longer one shows; for packets of them, or fewer if they are large.
func newBatch(mtu, packets int) *batch {
	room := mtu + 1
	stride := wire.HeaderLen + room
	return &batch{
		slab:      make([]byte, max(stride, min(packets*stride, maxSlab))),
		room:      room,
		datagrams: make([]span, 0, packets),
	}
}

func (b *batch) reset() { b.end, b.datagrams = 0, b.datagrams[:0] }

func (b *batch) len() int { return len(b.datagrams) }

// full tells whether there is no room for another packet.
func (b *batch) full() bool {
	return len(b.datagrams) == cap(b.datagrams) || b.end+wire.HeaderLen+b.room > len(b.slab)
}

// next is where the next packet shall be written; the batch must not be full.
func (b *batch) next() []byte {
	start := b.end + wire.HeaderLen
	return b.slab[start : start+b.room : start+b.room]
}

// nextWithin is next and lead octets in front of it, at most wire.HeaderLen, for a
// device that puts a header of its own before a packet.
func (b *batch) nextWithin(lead int) []byte {
	start := b.end + wire.HeaderLen
	return b.slab[start-lead : start+b.room : start+b.room]
}

// commit says that next now holds a packet of n octets.
func (b *batch) commit(n int) {
	end := b.end + wire.HeaderLen + n
	b.datagrams = append(b.datagrams, span{start: b.end, end: end})
	b.end = end
}

// octets is the part of the slab from the start of datagram from to the end of
// datagram to - 1.
func (b *batch) octets(from, to int) []byte {
	start, end := b.datagrams[from].start, b.datagrams[to-1].end
	return b.slab[start:end:end]
}

// run is how many datagrams from index from on can go out as one UDP_SEGMENT
// send: to one endpoint, without a gap, of one size, only the last may be shorter.
func (b *batch) run(from int) int {
	first := b.datagrams[from]
	size := first.len()
	n := 1
	for rest := b.datagrams[from+1:]; n <= len(rest) && n < maxRun; n++ {
		d := rest[n-1]
		if d.start != b.datagrams[from+n-1].end || d.len() > size || d.end-first.start > maxRunOctets || d.peer.endpoint != first.peer.endpoint {
			break
		}
		if d.len() < size {
			return n + 1
		}
	}
	return n
}
