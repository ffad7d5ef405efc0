package reference

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// Slots of one recvmmsg. With UDP_GRO a message can be as long as UDP allows.
const (
	groSlots    = 16
	groSlotLen  = 1 << 16
	plainSlots  = sys.VectorLen
	maxPlainLen = 1 << 21 // bounds the memory of plain slots for jumbo packets
)

// udpConn is the underlay on a UDP socket, which takes datagrams only of the
// peers' endpoints: where the kernel allows, a filter in it drops all others before they
// are queued.
type udpConn struct {
	socket    *sys.UDP
	endpoints map[netip.AddrPort]*endpoint
	out       transmitter
	gro       bool
	waits     sys.Processor
	slot      int // octets of a receive slot without UDP_GRO
	filter    *sourceFilter
	stopped   atomic.Bool
}

func openUDP(cfg Config, peers *peerTable) (*udpConn, error) {
	socket, err := sys.ListenUDP(cfg.Listen, cfg.SocketBuffer)
	if err != nil {
		return nil, &FieldError{"listen", err}
	}
	c := &udpConn{socket: socket, endpoints: peers.endpoints(), slot: wire.HeaderLen + cfg.MTU, waits: waits(cfg)}
	for addr, e := range c.endpoints {
		e.name = sys.NewName(addr)
	}
	if c.filter, err = attachSourceFilter(socket, c.endpoints); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, errors.Join(err, socket.Close())
	}
	c.out.plain = &plainSender{socket: socket}
	if cfg.GSO && socket.ProbeSegmentation() == nil {
		c.out.fast = &segmentingSender{socket: socket}
	}
	c.gro = cfg.GRO && socket.EnableGRO() == nil
	return c, nil
}

// udpReceiver is a vector of slots, and what arrived in them.
type udpReceiver struct {
	conn    *udpConn
	vector  *sys.ReceiveVector
	arrived [sys.VectorLen]message
	addr    netip.AddrPort // the last sender's
	from    *endpoint
}

func (c *udpConn) receiver() receiver {
	if c.gro {
		return &udpReceiver{conn: c, vector: sys.NewReceiveVector(groSlots, groSlotLen)}
	}
	return &udpReceiver{conn: c, vector: sys.NewReceiveVector(min(plainSlots, max(1, maxPlainLen/c.slot)), c.slot)}
}

func (c *udpConn) send(b *batch) int { return c.out.transmit(b) }

func (in *udpReceiver) receive() ([]message, error) {
	for {
		messages, err := in.vector.Receive(in.conn.socket, in.conn.waits)
		if in.conn.stopped.Load() {
			return nil, io.EOF
		}
		if err == nil {
			return in.withSources(messages), nil
		}
		if sys.IsBroken(err) {
			return nil, fmt.Errorf("receive: %w", err)
		}
	}
}

// withSources finds the peer's endpoint of each message. Most come from the sender of
// the one before.
func (in *udpReceiver) withSources(messages []sys.Arrival) []message {
	for i := range messages {
		m := &messages[i]
		if m.Source != in.addr {
			in.addr, in.from = m.Source, in.conn.endpoints[m.Source]
		}
		in.arrived[i] = message{data: m.Data, segment: m.Segment, truncated: m.Truncated, from: in.from}
	}
	return in.arrived[:len(messages)]
}

func (c *udpConn) unknownSource() uint64 { return c.filter.unknownSource() }

func (c *udpConn) interrupt() error {
	c.stopped.Store(true)
	return c.socket.ShutdownRead()
}

func (c *udpConn) close() error { return errors.Join(c.socket.Close(), c.filter.close()) }

// sender hands datagrams of a batch to the kernel.
type sender interface {
	// send offers the datagrams of b from index from up to to, in order, and
	// returns how many were taken. If not all were, err may still be nil; offer
	// the rest. With an error none were taken, and failed is how many
	// datagrams, from the first on, it is about.
	send(b *batch, from, to int) (taken, failed int, err error)
}

// name is where datagram i goes, as the socket wants it.
func (b *batch) name(i int) *sys.Name { return b.datagrams[i].peer.endpoint.name.(*sys.Name) }

// plainSender sends a message per datagram.
type plainSender struct {
	socket *sys.UDP
	vector sys.SendVector
}

func (s *plainSender) send(b *batch, from, to int) (taken, failed int, err error) {
	s.vector.Reset()
	for i := from; i < to && !s.vector.Full(); i++ {
		s.vector.Add(b.octets(i, i+1), 0, b.name(i))
	}
	taken, err = s.vector.Send(s.socket)
	return taken, 1, err
}

// segmentingSender sends a message per run of datagrams of one size, which the
// kernel, or the network card, cuts up (UDP_SEGMENT).
type segmentingSender struct {
	socket *sys.UDP
	vector sys.SendVector
	runs   [sys.VectorLen]int // datagrams in each message
}

func (s *segmentingSender) send(b *batch, from, to int) (taken, failed int, err error) {
	s.vector.Reset()
	for i := from; i < to && !s.vector.Full(); {
		n := min(b.run(i), to-i)
		segment := 0
		if n > 1 {
			segment = b.datagrams[i].len()
		}
		s.runs[s.vector.Len()] = n
		s.vector.Add(b.octets(i, i+n), segment, b.name(i))
		i += n
	}
	messages, err := s.vector.Send(s.socket)
	for _, n := range s.runs[:messages] {
		taken += n
	}
	return taken, s.runs[0], err
}

// transmitter sends batches the fast way until the kernel refuses it, and then
// the plain way for good. Nothing is lost in the change.
type transmitter struct {
	fast  sender // nil when there is none, or no more
	plain sender
}

// transmit sends all of b and returns how many datagrams were taken. sendmsg
// may report a pending ICMP error of an earlier datagram; then this one was not
// sent. So each is tried twice.
func (t *transmitter) transmit(b *batch) (sent int) {
	again := false
	for at := 0; at < b.len(); {
		taken, failed, err := t.offer(b, at)
		sent += taken
		at += taken
		switch {
		case err == nil:
			again = false
		case errors.Is(err, syscall.EINTR):
		case t.fast != nil && sys.RefusesSegmentation(err):
			t.fast = nil
		case !again:
			again = true
		default:
			sent += t.plainly(b, at, at+failed)
			at += failed
			again = false
		}
	}
	return sent
}

func (t *transmitter) offer(b *batch, at int) (taken, failed int, err error) {
	if t.fast != nil {
		return t.fast.send(b, at, b.len())
	}
	return t.plain.send(b, at, b.len())
}

// plainly gives up on a message and sends its datagrams one by one if it held
// several: with a path MTU below their size a run is refused (EMSGSIZE), while
// single datagrams may be fragmented.
func (t *transmitter) plainly(b *batch, from, to int) (sent int) {
	if to-from == 1 {
		b.datagrams[from].refused = true
		return 0
	}
	for from < to {
		taken, _, err := t.plain.send(b, from, to)
		if err != nil {
			taken = 0
			b.datagrams[from].refused = true
			from++
		}
		sent += taken
		from += taken
	}
	return sent
}
