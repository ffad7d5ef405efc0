package reference

import (
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// port is the LAN side: it reads inner packets from the LAN and writes inner packets to it. One
// goroutine may read while another writes.
type port interface {
	// read waits for a packet, then fills b until it is full or no more packets are waiting. Packets that
	// cannot be read into b are counted in b's tally. After interrupt it returns io.EOF.
	read(b *batch) error
	// write writes packets in order and counts each as delivered or dropped. A refused packet does not
	// hold back the packets after it. write may change the packets.
	write(packets [][]byte, tally *stats.Direction)
	// joined reports whether packets come in joined to super-packets, so that many are read at once.
	joined() bool
	// interrupt ends read, now and for all later calls.
	interrupt() error
	close() error
}

// encap is the path from the LAN port to the underlay.
type encap struct {
	port     port
	conn     conn
	peers    *peerTable
	format   format
	mtu      int
	yields   bool
	counters stats.Counters
}

// recv reads a batch and assigns each packet its peer and number. It removes packets that cannot be sent.
func (e *encap) recv(b *batch) error {
	b.reset()
	if err := e.port.read(b); err != nil {
		return err
	}
	b.tally.Received += uint64(b.len())
	kept := 0
	for i := range b.datagrams {
		d := &b.datagrams[i]
		var drop stats.Drop
		if d.peer, drop = e.route(b.packetOf(d)); drop != stats.DropNone {
			b.tally.Drops[drop]++
			continue
		}
		if kept < i {
			b.datagrams[kept] = *d
		}
		kept++
	}
	b.datagrams = b.datagrams[:kept]
	e.format.number(b)
	return nil
}

// route returns the peer of a packet's destination.
func (e *encap) route(packet []byte) (*peer, stats.Drop) {
	if len(packet) > e.mtu {
		return nil, stats.DropOversize
	}
	if !inner.IsIP(packet) {
		return nil, stats.DropInner
	}
	if p := e.peers.byDestination(packet); p != nil {
		return p, stats.DropNone
	}
	return nil, stats.DropRoute
}

// process makes datagrams of b's packets, in place.
func (e *encap) process(b *batch) { e.format.seal(b) }

// deliver sends b. A full batch means that more packets are waiting. After a full batch, deliver yields the
// core, so that a receiver on this core can empty its socket. In an overload the LAN port then drops the
// excess packets before the tunnel has spent work on them.
func (e *encap) deliver(b *batch) {
	sent := e.conn.send(b)
	b.tally.Delivered += uint64(sent)
	b.tally.Drops[stats.DropSend] += uint64(b.len() - sent)
	creditSent(b.datagrams)
	e.counters.Add(&b.tally)
	if e.yields && b.full() {
		sys.Yield()
	}
}

// creditSent counts sent datagrams for their peers, with one addition for each run of the same peer.
func creditSent(datagrams []span) {
	for i := 0; i < len(datagrams); {
		p, packets, bytes := datagrams[i].peer, 0, 0
		for ; i < len(datagrams) && datagrams[i].peer == p; i++ {
			if d := datagrams[i]; !d.refused {
				packets, bytes = packets+1, bytes+int(d.packet)
			}
		}
		p.sent.Add(uint64(packets), uint64(bytes))
	}
}
