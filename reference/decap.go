package reference

import (
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// conn is the underlay side: it sends datagrams to the peers and receives datagrams from them. One
// goroutine may send while another receives.
type conn interface {
	// send sends the datagrams of b in order, marks refused datagrams, and returns the number of accepted
	// datagrams.
	send(b *batch) int
	// sendOne sends a datagram. One goroutine may use it beside send.
	sendOne(datagram []byte, to *endpoint) error
	// receiver allocates receive buffers.
	receiver() receiver
	// know replaces the endpoints that datagrams are taken from.
	know(all map[netip.AddrPort]*endpoint) error
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
	source    netip.AddrPort
}

// packet is an inner packet that passed every check except the replay window.
type packet struct {
	payload  []byte // nil: a replay
	peer     *peer
	sequence uint64
}

// rxBatch holds the messages of one receive call and their packets.
type rxBatch struct {
	receiver receiver
	messages []message
	packets  []packet
	tally    stats.Direction

	// Of a sealed tunnel: its data messages, the receiver indices of them, each once in a row, and their sessions.
	sealed   []sealedMessage
	indices  []uint32
	sessions []*wireguard.Keypair
}

// decap is the path from the underlay to the LAN port.
type decap struct {
	port     port
	conn     conn
	format   format
	packets  [][]byte // accepted packets that are not yet written to the port
	counters stats.Counters
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
	d.format.open(b)
}

// size returns the length of a message's datagrams, of which the last may be shorter: at least 1, unless the
// message is empty.
func (m *message) size() int {
	if m.segment <= 0 || m.segment > len(m.data) {
		return len(m.data)
	}
	return m.segment
}

// deliver drops replays, in the order of arrival, and passes the packets to the port.
func (d *decap) deliver(b *rxBatch) {
	d.format.accept(b)
	for i := range b.packets {
		if payload := b.packets[i].payload; payload != nil {
			d.enqueue(payload, &b.tally)
		}
	}
	d.flush(&b.tally)
	d.counters.Add(&b.tally)
}

// enqueue adds a packet to the next write to the port.
func (d *decap) enqueue(packet []byte, tally *stats.Direction) {
	d.packets = append(d.packets, packet)
	if len(d.packets) == cap(d.packets) {
		d.flush(tally)
	}
}

func (d *decap) flush(tally *stats.Direction) {
	if len(d.packets) > 0 {
		d.port.write(d.packets, tally)
		d.packets = d.packets[:0]
	}
}
