package reference

import "github.com/tunnelbench/tunnelbench/reference/inner"

// conn is the underlay side: sealed datagrams to and from the peers. One
// goroutine sends while another receives.
type conn interface {
	// send sends the datagrams of b in order, marks those that were refused, and
	// returns how many were taken.
	send(b *batch) int
	// inbox makes buffers to receive into.
	inbox() inbox
	// strangers is how many messages were dropped before they could be received.
	strangers() uint64
	// interrupt ends all receiving, now and for good.
	interrupt() error
	close() error
}

// inbox receives into buffers of its own.
type inbox interface {
	// receive waits until there is a message and returns it with those behind
	// it; they are valid until the next call. After interrupt it returns io.EOF.
	receive() ([]arrival, error)
}

// arrival is a message as the socket hands it over: one datagram, or a row of
// them of segment octets each, of which the last may be shorter.
type arrival struct {
	data      []byte
	segment   int       // 0: data is one datagram
	truncated bool      // data was longer than the buffer: its end is missing
	from      *endpoint // nil: a stranger's
}

// opened is a datagram that passed every check but the replay window.
type opened struct {
	payload  []byte
	peer     *peer
	sequence uint64
}

// intake is what one receive brings.
type intake struct {
	inbox    inbox
	arrivals []arrival
	opened   []opened
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
const deliverBatch = inner.MergeMax

// newIntake makes buffers.
func (d *decap) newIntake() *intake {
	return &intake{inbox: d.conn.inbox(), opened: make([]opened, 0, 1024)}
}

// take waits for datagrams.
func (d *decap) take(in *intake) (err error) {
	in.arrivals, err = in.inbox.receive()
	return err
}

// work opens each datagram where it lies.
func (d *decap) work(in *intake) {
	in.opened = in.opened[:0]
	for i := range in.arrivals {
		d.split(in, &in.arrivals[i])
	}
}

// split goes through the datagrams of one message. Each round takes at least
// one octet, whatever segment says; an empty message is one empty datagram.
func (d *decap) split(in *intake, a *arrival) {
	size := a.segment
	if size <= 0 || size > len(a.data) {
		size = len(a.data)
	}
	for rest := a.data; ; rest = rest[size:] {
		if len(rest) <= size {
			d.open(in, rest, a)
			return
		}
		d.open(in, rest[:size:size], a)
	}
}

// open counts one datagram and keeps it if it passes the checks.
func (d *decap) open(in *intake, datagram []byte, a *arrival) {
	in.tally.Received++
	o, drop := d.check(datagram, a)
	if drop != DropNone {
		in.tally.Drops[drop]++
		return
	}
	in.opened = append(in.opened, o)
}

// check runs all checks but the replay window's, in their order. It changes
// nothing that another datagram could see.
func (d *decap) check(datagram []byte, a *arrival) (o opened, drop Drop) {
	if a.from == nil {
		return o, DropPeer
	}
	if a.truncated || len(datagram) > HeaderLen+d.mtu {
		return o, DropOversize
	}
	h, drop := parseHeader(datagram)
	if drop != DropNone {
		return o, drop
	}
	p := d.peers.byID(h.Tunnel)
	if p == nil || p.endpoint != a.from {
		return o, DropTunnel
	}
	if !checksumHolds(datagram) {
		return o, DropChecksum
	}
	payload := datagram[HeaderLen:]
	if !inner.IsIP(payload) {
		return o, DropInner
	}
	if d.peers.bySource(payload) != p {
		return o, DropSource
	}
	return opened{payload, p, h.Sequence}, DropNone
}

// give asks the replay windows, in the order of arrival, and hands the packets
// to the port. A sequence number counts only here, once the checksum has
// vouched for it.
func (d *decap) give(in *intake) {
	for i := 0; i < len(in.opened); {
		p, packets, octets := in.opened[i].peer, 0, 0
		for ; i < len(in.opened) && in.opened[i].peer == p; i++ {
			o := &in.opened[i]
			if drop := p.window.Accept(o.sequence); drop != DropNone {
				in.tally.Drops[drop]++
				continue
			}
			packets, octets = packets+1, octets+len(o.payload)
			d.deliver(o.payload, &in.tally)
		}
		p.received.add(uint64(packets), uint64(octets))
	}
	d.flush(&in.tally)
	d.counters.add(&in.tally)
}

func (d *decap) deliver(packet []byte, tally *Direction) {
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
