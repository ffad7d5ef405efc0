package reference

import (
	"fmt"
	"net/netip"
)

// End is one end of a tunnel, or of many, without a kernel: packets and
// datagrams are handed to it and come out of it by calls, through the same stages, checks
// and counters as those of a Tunnel. It has no thread, clock or socket of its
// own, so that two of them make a network that can be looked at from all sides. It belongs to
// one goroutine.
//
//	Encap(packet) --> stages --> send(endpoint, datagram)
//	Decap(endpoint, datagram) --> stages --> deliver(packet)
type End struct {
	tunnel *Tunnel
	port   *handedPort
	conn   *handedConn
	out    *batch
	in     *rxBatch
}

// NewEnd makes an end of a valid cfg; Dev, Engine and all that is the kernel's
// is not looked at. first is the first sequence number of each tunnel. What is handed
// to deliver and send is valid until they return.
func NewEnd(cfg Config, first uint64, deliver func(packet []byte), send func(to netip.AddrPort, datagram []byte)) (*End, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	peers := newPeerTable(cfg, first)
	e := &End{port: &handedPort{deliver: deliver}, conn: &handedConn{endpoints: peers.endpoints(), sendTo: send}}
	e.tunnel = newTunnel(cfg, peers, e.port, e.conn)
	e.in = e.tunnel.decap.newBatch()
	return e, nil
}

// Encap carries packets from the LAN side, in order.
func (e *End) Encap(packets ...[]byte) {
	if e.out == nil {
		e.out = newBatch(e.tunnel.cfg.MTU, frameBatch)
	}
	for e.port.waiting = packets; len(e.port.waiting) > 0; {
		step(e.tunnel.outbound(), e.out)
	}
}

// Decap carries what a socket received in one piece from an endpoint: a datagram,
// or, if segment is more than 0, a row of them of that many octets, of which the last may be
// shorter (UDP_GRO, udp(7)). data is changed and put back.
func (e *End) Decap(from netip.AddrPort, data []byte, segment int) {
	e.conn.arrived[0] = message{data: data, segment: segment, from: e.conn.endpoints[from]}
	step(e.tunnel.inbound(), e.in)
}

// step takes one batch through the stages of a direction. Neither port nor
// socket of an End can fail.
func step[B any](d direction[B], b B) {
	_ = d.recv(b)
	d.process(b)
	d.deliver(b)
}

// Stats counts what the end did so far.
func (e *End) Stats() Stats { return e.tunnel.Stats() }

// handedPort is a LAN port whose packets are handed over.
type handedPort struct {
	waiting [][]byte
	deliver func([]byte)
}

func (p *handedPort) read(b *batch) error {
	for len(p.waiting) > 0 && !b.full() {
		b.commit(copy(b.next(), p.waiting[0]))
		p.waiting = p.waiting[1:]
	}
	return nil
}

func (p *handedPort) write(packets [][]byte, tally *Direction) {
	for _, packet := range packets {
		p.deliver(packet)
	}
	tally.Delivered += uint64(len(packets))
}

func (p *handedPort) interrupt() error { return nil }
func (p *handedPort) close() error     { return nil }

// handedConn is an underlay whose messages are handed over, one at a time.
type handedConn struct {
	endpoints map[netip.AddrPort]*endpoint
	sendTo    func(netip.AddrPort, []byte)
	arrived   [1]message
}

func (c *handedConn) send(b *batch) int {
	for i, d := range b.datagrams {
		c.sendTo(d.peer.endpoint.addr, b.octets(i, i+1))
	}
	return b.len()
}

func (c *handedConn) receiver() receiver          { return c }
func (c *handedConn) receive() ([]message, error) { return c.arrived[:], nil }
func (c *handedConn) unknownSource() uint64       { return 0 }
func (c *handedConn) interrupt() error            { return nil }
func (c *handedConn) close() error                { return nil }
