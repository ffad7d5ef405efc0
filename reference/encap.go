package reference

import (
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// port is the LAN side: where inner packets come from and go to. One goroutine
// reads while another writes.
type port interface {
	// read waits until there is a packet, then fills b until it is full or
	// nothing more is there; packets that it cannot hand over are counted in b's
	// tally. After interrupt it returns io.EOF.
	read(b *batch) error
	// write passes packets on, in order, and counts each as delivered or as a
	// drop; one that is refused does not keep back those behind it. It may
	// change the packets.
	write(packets [][]byte, tally *Direction)
	// interrupt ends read, now and for good.
	interrupt() error
	close() error
}

// encap is the way from the LAN port to the underlay.
type encap struct {
	port     port
	conn     conn
	peers    *peerTable
	mtu      int
	yields   bool
	counters counters
}

// take reads a batch and gives each packet its peer and sequence number; those
// that cannot be sent are left out.
func (e *encap) take(b *batch) error {
	b.reset()
	if err := e.port.read(b); err != nil {
		return err
	}
	b.tally.Received += uint64(b.len())
	kept := b.datagrams[:0]
	for _, d := range b.datagrams {
		var drop Drop
		if d.peer, drop = e.route(b.slab[d.start+HeaderLen : d.end]); drop != DropNone {
			b.tally.Drops[drop]++
			continue
		}
		d.sequence = d.peer.sequence
		d.peer.sequence++
		kept = append(kept, d)
	}
	b.datagrams = kept
	return nil
}

// route is the peer that a packet goes to.
func (e *encap) route(packet []byte) (*peer, Drop) {
	if len(packet) > e.mtu {
		return nil, DropOversize
	}
	if !inner.IsIP(packet) {
		return nil, DropInner
	}
	if p := e.peers.byDestination(packet); p != nil {
		return p, DropNone
	}
	return nil, DropRoute
}

// work seals the packets of b in place.
func (e *encap) work(b *batch) {
	for _, d := range b.datagrams {
		Seal(b.slab[d.start:d.end:d.end], d.peer.id, d.sequence)
	}
}

// give sends b. Behind a full batch there is more, and without yielding this
// thread would go on until its time slice is over: where it shares its core with the
// other end, or with decap, that one's queues would overflow meanwhile, and work that is
// done already would be thrown away. So what does not fit is lost in front of the LAN port.
func (e *encap) give(b *batch) {
	sent := e.conn.send(b)
	b.tally.Delivered += uint64(sent)
	b.tally.Drops[DropSend] += uint64(b.len() - sent)
	creditSent(b.datagrams)
	e.counters.add(&b.tally)
	if e.yields && b.full() {
		sys.Yield()
	}
}

// creditSent books datagrams with their peers; one addition for each row of the same peer.
func creditSent(datagrams []span) {
	for i := 0; i < len(datagrams); {
		p, packets, octets := datagrams[i].peer, 0, 0
		for ; i < len(datagrams) && datagrams[i].peer == p; i++ {
			if d := datagrams[i]; !d.refused {
				packets, octets = packets+1, octets+d.len()-HeaderLen
			}
		}
		p.sent.add(uint64(packets), uint64(octets))
	}
}
