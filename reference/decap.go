package reference

// conn is the underlay side: sealed datagrams to and from the one peer. One
// goroutine sends while another receives.
type conn interface {
	// send sends the datagrams of b in order and returns how many were taken.
	send(b *batch) int
	// receive waits until there is a message and returns it with those behind
	// it; they are valid until the next call. After interrupt it returns io.EOF.
	receive() ([]arrival, error)
	// interrupt ends receive, now and for good.
	interrupt() error
	close() error
}

// arrival is a message as the socket hands it over: one datagram, or a row of
// them of segment octets each, of which the last may be shorter.
type arrival struct {
	data      []byte
	segment   int  // 0: data is one datagram
	truncated bool // data was longer than the buffer: its end is missing
	ours      bool // it came from the peer's address
}

// deliverBatch is how many packets are handed to the port at once.
const deliverBatch = 64

// decap is the way from the underlay to the LAN port.
type decap struct {
	port     port
	conn     conn
	tunnel   uint32
	mtu      int
	window   Window
	packets  [][]byte // opened, not yet handed to the port
	tally    Direction
	counters counters
}

// step carries what one receive brings: open each datagram where it lies and
// hand the payloads to the port.
func (d *decap) step() error {
	arrivals, err := d.conn.receive()
	if err != nil {
		return err
	}
	for i := range arrivals {
		d.split(&arrivals[i])
	}
	d.flush()
	d.counters.add(&d.tally)
	return nil
}

// split goes through the datagrams of one message. Each round takes at least
// one octet, whatever segment says; an empty message is one empty datagram.
func (d *decap) split(a *arrival) {
	size := a.segment
	if size <= 0 || size > len(a.data) {
		size = len(a.data)
	}
	for rest := a.data; ; rest = rest[size:] {
		if len(rest) <= size {
			d.take(rest, a)
			return
		}
		d.take(rest[:size:size], a)
	}
}

// take counts one datagram and either drops it or queues its payload.
func (d *decap) take(datagram []byte, a *arrival) {
	d.tally.Received++
	payload, drop := d.open(datagram, a)
	if drop != DropNone {
		d.tally.Drops[drop]++
		return
	}
	d.packets = append(d.packets, payload)
	if len(d.packets) == cap(d.packets) {
		d.flush()
	}
}

// open runs all checks in their order. The window comes last: a sequence
// number counts only if the checksum vouches for it.
func (d *decap) open(datagram []byte, a *arrival) ([]byte, Drop) {
	if !a.ours {
		return nil, DropPeer
	}
	if a.truncated || len(datagram) > HeaderLen+d.mtu {
		return nil, DropOversize
	}
	h, payload, drop := Open(datagram, d.tunnel)
	if drop != DropNone {
		return nil, drop
	}
	return payload, d.window.Accept(h.Sequence)
}

func (d *decap) flush() {
	if len(d.packets) == 0 {
		return
	}
	taken := d.port.write(d.packets)
	d.tally.Delivered += uint64(taken)
	d.tally.Drops[DropPort] += uint64(len(d.packets) - taken)
	d.packets = d.packets[:0]
}
