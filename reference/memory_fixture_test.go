package reference

import (
	"io"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// memoryPort is a LAN port in memory. It reads packets from a channel and writes them to a function,
// which may refuse them.
type memoryPort struct {
	in   chan []byte
	out  func(packet []byte) bool
	stop chan struct{}
	fail error // error of read after in is closed
}

func newMemoryPort(out func([]byte) bool) *memoryPort {
	return &memoryPort{in: make(chan []byte, frameBatch), out: out, stop: make(chan struct{}, 10)}
}

func (p *memoryPort) read(b *batch) error {
	select {
	case packet, open := <-p.in:
		if !open {
			return p.fail
		}
		b.commit(copy(b.next(), packet))
	case <-p.stop:
		return io.EOF
	}
	for len(p.in) > 0 && !b.full() {
		b.commit(copy(b.next(), <-p.in))
	}
	return nil
}

func (p *memoryPort) write(packets [][]byte, tally *stats.Direction) {
	for _, packet := range packets {
		if p.out(packet) {
			tally.Delivered++
		} else {
			tally.Drops[stats.DropPort]++
		}
	}
}

func (p *memoryPort) joined() bool     { return false }
func (p *memoryPort) interrupt() error { p.stop <- struct{}{}; return nil }
func (p *memoryPort) close() error     { return nil }

// memoryConn is an underlay in memory that receives its own datagrams, as runs, from the endpoint they
// were sent to. It reuses its buffers.
type memoryConn struct {
	free, wire chan message
	stop       chan struct{}
	sent       int
}

func newMemoryConn(mtu int) *memoryConn {
	const messages = 64
	c := &memoryConn{
		free: make(chan message, messages),
		wire: make(chan message, messages),
		stop: make(chan struct{}, 10),
	}
	for range messages {
		c.free <- message{data: make([]byte, max(maxRunBytes, mtu+wire.HeaderLen))}
	}
	return c
}

func (c *memoryConn) send(b *batch) int {
	for i := 0; i < b.len(); {
		n := b.run(i)
		m := <-c.free
		m.data = m.data[:copy(m.data[:cap(m.data)], b.bytes(i, i+n))]
		m.segment, m.from, m.source = b.datagrams[i].len(), b.datagrams[i].to, b.datagrams[i].to.addr
		c.wire <- m
		i += n
	}
	c.sent += b.len()
	return b.len()
}

// memoryReceiver holds the message that the last receive returned.
type memoryReceiver struct {
	conn    *memoryConn
	held    message
	arrived [1]message
}

func (c *memoryConn) receiver() receiver { return &memoryReceiver{conn: c} }

func (in *memoryReceiver) receive() ([]message, error) {
	if in.held.data != nil {
		in.conn.free <- in.held
		in.held.data = nil
	}
	select {
	case in.held = <-in.conn.wire:
		in.arrived[0] = in.held
		return in.arrived[:], nil
	case <-in.conn.stop:
		return nil, io.EOF
	}
}

func (c *memoryConn) sendOne(datagram []byte, to *endpoint) error {
	m := <-c.free
	m.data = m.data[:copy(m.data[:cap(m.data)], datagram)]
	m.segment, m.from, m.source = 0, to, to.addr
	c.wire <- m
	return nil
}

func (c *memoryConn) unknownSource() uint64 { return 0 }

func (c *memoryConn) know(map[netip.AddrPort]*endpoint) error { return nil }

func (c *memoryConn) interrupt() error { c.stop <- struct{}{}; return nil }
func (c *memoryConn) close() error     { return nil }

// testTunnel returns a tunnel whose datagrams come back to the same port.
func testTunnel(out func([]byte) bool) (*Tunnel, *memoryPort, *memoryConn) {
	cfg := goodConfig()
	p, c := newMemoryPort(out), newMemoryConn(cfg.MTU)
	return mustTunnel(cfg, p, c), p, c
}

// mustTunnel returns a tunnel of a configuration that is known to be good.
func mustTunnel(cfg settings.Config, p port, c conn) *Tunnel {
	t, err := newTunnel(cfg, newPeerTable(cfg, 1), p, c)
	if err != nil {
		panic(err)
	}
	return t
}

// once runs one batch through all stages.
func once[B any](d direction[B], b B) error {
	if err := d.recv(b); err != nil {
		return err
	}
	d.process(b)
	d.deliver(b)
	return nil
}
