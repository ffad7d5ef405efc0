package reference

import (
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Limits of one UDP_SEGMENT send (udp(7) and udp_send_skb in net/ipv4/udp.c).
const (
	// maxRun is the maximum number of datagrams in a run. Kernels before Linux 6.9 allow 64 datagrams, but
	// count the UDP header in the comparison, so that only 63 full datagrams are safe.
	maxRun      = 63
	maxRunBytes = settings.MaxDatagram
)

// Maximum number of packets in a batch, from the measurements in docs/how-it-got-fast.md. Super-packets
// need larger batches. Single frames use smaller batches, which fit into the CPU caches.
const (
	frameBatch = 2 * maxRun
	superBatch = 4 * maxRun
)

// maxSlab is the maximum memory of a batch in bytes.
const maxSlab = 1 << 19

// layout is where a packet lies in its datagram.
//
//	| head | packet | padding | tail |
type layout struct {
	head, tail int // bytes
	pad        int // packets are padded to a multiple of pad+1, which is a power of two,
	mtu        int // but not beyond this length
}

// datagram returns the length of the datagram of a packet of n bytes.
func (l *layout) datagram(n int) int {
	padded := (n + l.pad) &^ l.pad
	if padded > l.mtu {
		padded = max(n, l.mtu)
	}
	return l.head + padded + l.tail
}

// batch is a slab of memory for consecutive packets, each with room for the rest of its datagram:
//
//	| head | packet 0 | tail | head | packet 1 | tail | head | packet 2 | tail |  free   |
//	 `---- datagram 0 ------'                                                   ^ end
//
// So encapsulation copies nothing, and datagrams of one size are contiguous in memory, as one
// UDP_SEGMENT send needs them. Only one goroutine at a time uses a batch. It is allocated once and
// reset before each use.
type batch struct {
	layout
	tally     stats.Direction
	slab      []byte
	room      int // length of the longest packet that can be read
	end       int // bytes of slab in use
	datagrams []span
	sessions  []*wireguard.Keypair // of a sealed tunnel's datagrams
}

// span is the position of a datagram in the slab, with what is needed to make and send it.
type span struct {
	start, end int
	peer       *peer
	to         *endpoint
	sequence   uint64 // or counter
	packet     int32  // length of the packet in it
	refused    bool   // the socket refused the datagram
}

func (s span) len() int { return s.end - s.start }

// newBatch allocates room for packets of up to the MTU of a layout, plus one byte, so that an oversize packet
// is recognized. The batch holds up to packets packets, or fewer if they are large.
func newBatch(l layout, packets int) *batch {
	room := l.mtu + 1
	stride := l.datagram(room)
	return &batch{
		layout:    l,
		slab:      make([]byte, max(stride, min(packets*stride, maxSlab))),
		room:      room,
		datagrams: make([]span, 0, packets),
	}
}

func (b *batch) reset() { b.end, b.datagrams = 0, b.datagrams[:0] }

func (b *batch) len() int { return len(b.datagrams) }

// full reports whether the batch has no room for another packet.
func (b *batch) full() bool {
	return len(b.datagrams) == cap(b.datagrams) || b.end+b.head+b.room+b.tail > len(b.slab)
}

// next returns the memory for the next packet. The batch must not be full.
func (b *batch) next() []byte {
	start := b.end + b.head
	return b.slab[start : start+b.room : start+b.room]
}

// nextWithin returns the memory for the next packet plus lead bytes before the packet, for a device that
// writes its own header before a packet. lead must not exceed the layout's head.
func (b *batch) nextWithin(lead int) []byte {
	start := b.end + b.head
	return b.slab[start-lead : start+b.room : start+b.room]
}

// commit adds the packet of n bytes that was written to next.
func (b *batch) commit(n int) {
	end := b.end + b.datagram(n)
	b.datagrams = append(b.datagrams, span{start: b.end, end: end, packet: int32(n)})
	b.end = end
}

// packetOf returns the packet of a datagram.
func (b *batch) packetOf(d *span) []byte {
	start := d.start + b.head
	return b.slab[start : start+int(d.packet)]
}

// bytes returns the bytes of datagrams from to to-1.
func (b *batch) bytes(from, to int) []byte {
	start, end := b.datagrams[from].start, b.datagrams[to-1].end
	return b.slab[start:end:end]
}

// joins reports whether two of the datagrams from to to-1 fit into one UDP_SEGMENT send.
func (b *batch) joins(from, to int) bool {
	for i := from; i < to-1; i++ {
		if b.run(i) > 1 {
			return true
		}
	}
	return false
}

// run returns the number of datagrams, starting at index from, that one UDP_SEGMENT send can carry. The
// datagrams must have the same endpoint and the same size, and be contiguous in memory. Only the last
// datagram may be shorter.
func (b *batch) run(from int) int {
	first := b.datagrams[from]
	size := first.len()
	n := 1
	for rest := b.datagrams[from+1:]; n <= len(rest) && n < maxRun; n++ {
		d := rest[n-1]
		if d.start != b.datagrams[from+n-1].end || d.len() > size || d.end-first.start > maxRunBytes || d.to != first.to {
			break
		}
		if d.len() < size {
			return n + 1
		}
	}
	return n
}
