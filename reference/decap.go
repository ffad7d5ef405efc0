package reference

import (
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// conn is the underlay side: it sends datagrams to the peers and receives datagrams from them. One
// goroutine may send while another receives.
type conn interface {
	// send sends the datagrams of b in order, marks refused datagrams, and returns the number of accepted
	// datagrams.
	send(b *batch) int
	// receiver allocates receive buffers.
	receiver() receiver
	// unknownSource returns the number of messages from unknown sources that the kernel has dropped.
	unknownSource() uint64
	// interrupt ends receive, now and for all later calls.
	interrupt() error
	close() error
}

// receiver receives messages into its own buffers.
type receiver interface {
	// receive waits for a message and returns it with all further messages that have arrived. They are
	// valid until the next call. After interrupt it returns io.EOF.
	receive() ([]message, error)
}

// message is what one receive call of the socket returns: one datagram, or several datagrams of
// segment bytes each, of which the last may be shorter.
type message struct {
	data      []byte
	segment   int       // 0: data is one datagram
	truncated bool      // the buffer was too short: the end of data is missing
	from      *endpoint // nil: an unknown source
}

// packet is an inner packet that passed every check except the replay window.
type packet struct {
	payload  []byte
	peer     *peer
	sequence uint64
}

// rxBatch holds the messages of one receive call and their packets.
type rxBatch struct {
	receiver receiver
	messages []message
	packets  []packet
	tally    Direction
}

// decap is the path from the underlay to the LAN port.
type decap struct {
	port     port
	conn     conn
	peers    *peerTable
	mtu      int
	packets  [][]byte // accepted packets that are not yet written to the port
	counters counters
}

// deliverBatch is the maximum number of packets in one write to the port.
const deliverBatch = offload.MergeMax

// newBatch allocates a batch and its buffers.
func (d *decap) newBatch() *rxBatch {
	return &rxBatch{receiver: d.conn.receiver(), packets: make([]packet, 0, 1024)}
}

// recv waits for datagrams.
func (d *decap) recv(b *rxBatch) (err error) {
	b.messages, err = b.receiver.receive()
	return err
}

// process checks each datagram in place.
func (d *decap) process(b *rxBatch) {
	b.packets = b.packets[:0]
	for i := range b.messages {
		d.split(b, &b.messages[i])
	}
}

// split visits the datagrams of one message. Each round consumes at least one byte, whatever segment
// is, so the loop ends. An empty message is one empty datagram.
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

// add counts one datagram and keeps its packet if the packet passes the checks.
func (d *decap) add(b *rxBatch, datagram []byte, m *message) {
	b.tally.Received++
	p, drop := d.check(datagram, m)
	if drop != DropNone {
		b.tally.Drops[drop]++
		return
	}
	b.packets = append(b.packets, p)
}

// check runs all checks except the replay window, in the order of the package comment. It does not affect
// other datagrams.
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

// deliver checks the replay windows in the order of arrival and passes the packets to the port. Only
// deliver moves a window, because the window must move only for datagrams with a correct checksum.
func (d *decap) deliver(b *rxBatch) {
	for i := 0; i < len(b.packets); {
		p, packets, bytes := b.packets[i].peer, 0, 0
		for ; i < len(b.packets) && b.packets[i].peer == p; i++ {
			o := &b.packets[i]
			if err := p.window.Accept(o.sequence); err != nil {
				b.tally.Drops[dropOf(err)]++
				continue
			}
			packets, bytes = packets+1, bytes+len(o.payload)
			d.enqueue(o.payload, &b.tally)
		}
		p.received.add(uint64(packets), uint64(bytes))
		p.restarts.Store(p.window.Restarts())
	}
	d.flush(&b.tally)
	d.counters.add(&b.tally)
}

// enqueue adds a packet to the next write to the port.
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
