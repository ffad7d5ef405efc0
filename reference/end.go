package reference

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// End is one end of a tunnel, or of several tunnels, without a kernel. Callers pass packets and
// datagrams in and get the results through functions. End uses the same stages, checks and counters as
// Tunnel. It has no thread, clock or socket of its own, so two Ends make a network that a test
// controls completely. It belongs to one goroutine.
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

// NewEnd makes an end of cfg. It ignores Dev, Engine and all settings of the kernel. first is the first
// sequence number of each tunnel. The slices passed to deliver and send are valid until they return.
func NewEnd(cfg settings.Config, first uint64, deliver func(packet []byte), send func(to netip.AddrPort, datagram []byte)) (*End, error) {
	cfg, err := cfg.Complete()
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	peers := newPeerTable(cfg, first)
	e := &End{port: &handedPort{deliver: deliver}, conn: &handedConn{endpoints: peers.ids.Load().endpoints(), sendTo: send}}
	if e.tunnel, err = newTunnel(cfg, peers, e.port, e.conn); err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	e.in = e.tunnel.decap.newBatch()
	e.Control(time.Unix(0, 0))
	return e, nil
}

// Encap encapsulates packets from the LAN side, in order.
func (e *End) Encap(packets ...[]byte) {
	if e.out == nil {
		e.out = newBatch(e.tunnel.format.layout(), frameBatch)
	}
	for e.port.waiting = packets; len(e.port.waiting) > 0; {
		step(e.tunnel.outbound(), e.out)
	}
}

// Decap decapsulates one message of a socket. If segment is 0, data is one datagram. Otherwise data holds
// several datagrams of segment bytes each, and the last may be shorter (UDP_GRO, udp(7)). A plain end changes data
// temporarily and restores it before Decap returns; a sealed end decrypts in place.
func (e *End) Decap(from netip.AddrPort, data []byte, segment int) {
	e.conn.arrived[0] = message{data: data, segment: segment, from: e.conn.endpoints[from], source: from}
	step(e.tunnel.inbound(), e.in)
}

// step runs one batch through the stages of a direction. The port and socket of an End cannot fail.
func step[B any](d direction[B], b B) {
	_ = d.recv(b)
	d.process(b)
	d.deliver(b)
}

// Control does what a sealed end has to do besides data, at a moment: it answers the handshake messages that have
// come, begins handshakes and sends keepalives. All later calls happen at this moment. A plain end has nothing to
// do.
func (e *End) Control(now time.Time) {
	if s := e.tunnel.sealed; s != nil {
		s.control.At(now)
	}
}

// State returns what the peers of a sealed end look like.
func (e *End) State() roster.State { return e.tunnel.State() }

// Change changes the peers of a sealed end, or returns an error of one line and changes nothing.
func (e *End) Change(c roster.Change) error { return e.tunnel.Change(c) }

// SetPeers makes other peers those of a plain end.
func (e *End) SetPeers(peers []settings.Peer) error { return e.tunnel.SetPeers(peers) }

// Stats returns the counters of the end.
func (e *End) Stats() stats.Stats { return e.tunnel.Stats() }

// handedPort is a LAN port in memory, for the packets of one call.
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

func (p *handedPort) write(packets [][]byte, tally *stats.Direction) {
	for _, packet := range packets {
		p.deliver(packet)
	}
	tally.Delivered += uint64(len(packets))
}

func (p *handedPort) joined() bool     { return false }
func (p *handedPort) interrupt() error { return nil }
func (p *handedPort) close() error     { return nil }

// handedConn is an underlay in memory, for one message at a time.
type handedConn struct {
	endpoints map[netip.AddrPort]*endpoint
	sendTo    func(netip.AddrPort, []byte)
	arrived   [1]message
}

func (c *handedConn) send(b *batch) int {
	for i, d := range b.datagrams {
		c.sendTo(d.to.addr, b.bytes(i, i+1))
	}
	return b.len()
}

func (c *handedConn) sendOne(datagram []byte, to *endpoint) error {
	c.sendTo(to.addr, datagram)
	return nil
}

func (c *handedConn) know(all map[netip.AddrPort]*endpoint) error {
	c.endpoints = all
	return nil
}

func (c *handedConn) receiver() receiver          { return c }
func (c *handedConn) receive() ([]message, error) { return c.arrived[:], nil }
func (c *handedConn) unknownSource() uint64       { return 0 }
func (c *handedConn) interrupt() error            { return nil }
func (c *handedConn) close() error                { return nil }
