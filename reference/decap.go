package reference

import (
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// conn is the underlay side: datagrams to and from the peers. One
// goroutine sends while another receives.
type conn interface {
	// send sends the datagrams of b in order, marks those that were refused, and
	// returns how many were taken.
	send(b *batch) int
	// receiver makes buffers to receive into.
	receiver() receiver
	// unknownSource is how many messages the kernel dropped because they came from
	// no peer's address.
	unknownSource() uint64
	// interrupt ends all receiving, now and for good.
	interrupt() error
	close() error
}

// receiver receives into buffers of its own.
type receiver interface {
	// receive waits until there is a message and returns it with those behind
	// it; they are valid until the next call. After interrupt it returns io.EOF.
	receive() ([]message, error)
}

// message is what the socket hands over in one piece: one datagram, or a row of
// them of segment bytes each, of which the last may be shorter.
type message struct {
	data      []byte
	segment   int       // 0: data is one datagram
	truncated bool      // data was longer than the buffer: its end is missing
	from      *endpoint // nil: no peer's address
}

// packet is the content of a datagram that passed every check but the replay window.
type packet struct {
	payload  []byte
	peer     *peer
	sequence uint64
}

// rxBatch is what one receive brings.
type rxBatch struct {
	receiver receiver
	messages []message
	packets  []packet
	tally    Direction
}

// decap is the way from the underlay to the LAN port.
type decap struct {
	port     port
	conn     conn
	peers    *peerTable
	mtu      int
	packets  [][]byte // accepted, not yet handed to the port
	counters counters
}

// deliverBatch is how many packets are handed to the port at once.
const deliverBatch = offload.MergeMax

// newBatch makes buffers.
func (d *decap) newBatch() *rxBatch {
	return &rxBatch{receiver: d.conn.receiver(), packets: make([]packet, 0, 1024)}
}

// recv waits for datagrams.
func (d *decap) recv(b *rxBatch) (err error) {
	b.messages, err = b.receiver.receive()
	return err
}

// process checks each datagram where it lies.
func (d *decap) process(b *rxBatch) {
	b.packets = b.packets[:0]
	for i := range b.messages {
		d.split(b, &b.messages[i])
	}
}

// split goes through the datagrams of one message. Each round takes at least
// one byte, whatever segment says; an empty message is one empty datagram.
func (d *decap) split(b *rxBatch, m *message) {
	size := m.segment
	if size <= 0 || size > len(m.data) {
		size = len(m.data)
	}
	for rest := m.data; ; rest = rest[size:] {
		if len(rest) <= size {
			d.add(b, rest, m)
			return
		}
		d.add(b, rest[:size:size], m)
	}
}

// add counts one datagram and keeps its packet if it passes the checks.
func (d *decap) add(b *rxBatch, datagram []byte, m *message) {
	b.tally.Received++
	p, drop := d.check(datagram, m)
	if drop != DropNone {
		b.tally.Drops[drop]++
		return
	}
	b.packets = append(b.packets, p)
}

// check runs all checks but the replay window's, in their order. It changes
// nothing that another datagram could see.
func (d *decap) check(datagram []byte, m *message) (p packet, drop Drop) {
	if m.from == nil {
		return p, DropPeer
	}
	if m.truncated || len(datagram) > wire.HeaderLen+d.mtu {
		return p, DropOversize
	}
	h, err := wire.ParseHeader(datagram)
	if err != nil {
		return p, dropOf(err)
	}
	p.peer = d.peers.byID(h.Tunnel)
	if p.peer == nil || p.peer.endpoint != m.from {
		return p, DropTunnel
	}
	if !wire.ChecksumHolds(datagram) {
		return p, DropChecksum
	}
	p.payload, p.sequence = datagram[wire.HeaderLen:], h.Sequence
	if !inner.IsIP(p.payload) {
		return p, DropInner
	}
	if d.peers.bySource(p.payload) != p.peer {
		return p, DropSource
	}
	return p, DropNone
}

// deliver asks the replay windows, in the order of arrival, and hands the packets
// to the port. A sequence number counts only here, where the checksum is known to
// hold.
func (d *decap) deliver(b *rxBatch) {
	for i := 0; i < len(b.packets); {
		p, packets, octets := b.packets[i].peer, 0, 0
		for ; i < len(b.packets) && b.packets[i].peer == p; i++ {
			o := &b.packets[i]
			if err := p.window.Accept(o.sequence); err != nil {
				b.tally.Drops[dropOf(err)]++
				continue
			}
			packets, octets = packets+1, octets+len(o.payload)
			d.enqueue(o.payload, &b.tally)
		}
		p.received.add(uint64(packets), uint64(octets))
	}
	d.flush(&b.tally)
	d.counters.add(&b.tally)
}

// enqueue keeps a packet for the port, until there are enough for one write.
func (d *decap) enqueue(packet []byte, tally *Direction) {
	d.packets = append(d.packets, packet)
	if len(d.packets) == cap(d.packets) {
		d.flush(tally)
	}
}

func (d *decap) flush(tally *Direction) {
	if len(d.packets) > 0 {
		d.port.write(d.packets, tally)
		d.packets = d.packets[:0]
	}
}
