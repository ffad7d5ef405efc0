package reference

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/sources"
)

// Receive slots of one recvmmsg call. With UDP_GRO a message can have the maximum length of UDP.
const (
	groSlots    = 16
	groSlotLen  = 1 << 16
	plainSlots  = sys.VectorLen
	maxPlainLen = 1 << 21 // maximum memory of the slots without UDP_GRO in bytes
)

// udpConn is the underlay on a UDP socket. If the kernel supports it, a socket filter drops datagrams from
// unknown sources before they are queued.
type udpConn struct {
	socket    *sys.UDP
	endpoints atomic.Pointer[map[netip.AddrPort]*endpoint]
	out       transmitter
	single    sys.SendVector // of sendOne
	gro       bool
	waits     sys.Processor
	slot      int // bytes of a receive slot without UDP_GRO
	filter    *sources.Filter
	stopped   atomic.Bool
}

func openUDP(cfg settings.Config, peers *peerTable) (*udpConn, error) {
	socket, err := sys.ListenUDP(cfg.Listen, cfg.SocketBuffer)
	if err != nil {
		return nil, &settings.FieldError{Field: "listen", Err: err}
	}
	c, endpoints := &udpConn{socket: socket, slot: cfg.Datagram(), waits: waits(cfg)}, peers.ids.Load().endpoints()
	c.endpoints.Store(&endpoints)
	if !cfg.Sealed() { // the peers of a sealed tunnel may move
		if err := c.attachFilter(); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	c.out.plain = &plainSender{socket: socket}
	if cfg.GSO && socket.ProbeSegmentation() == nil {
		c.out.fast = &segmentingSender{socket: socket}
	}
	c.gro = cfg.GRO && socket.EnableGRO() == nil
	return c, nil
}

// attachFilter attaches a filter of sources, if the kernel can load it. decap checks every datagram again. The limit is
// enough for all peers to be replaced.
func (c *udpConn) attachFilter() (err error) {
	if c.filter, err = sources.Attach(c.socket, 2*settings.MaxPeers); errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	for addr := range *c.endpoints.Load() {
		err = errors.Join(err, c.filter.Add(addr))
	}
	return err
}

// know makes these the sources, or returns an error: then decap drops what the filter has come to take.
func (c *udpConn) know(all map[netip.AddrPort]*endpoint) error {
	for addr := range all {
		if err := c.filter.Add(addr); err != nil {
			return err
		}
	}
	for addr := range *c.endpoints.Swap(&all) {
		if all[addr] == nil {
			_ = c.filter.Remove(addr) // decap checks every datagram again
		}
	}
	return nil
}

// udpReceiver has a vector of receive slots and the messages in them.
type udpReceiver struct {
	conn    *udpConn
	vector  *sys.ReceiveVector
	arrived [sys.VectorLen]message
	known   *map[netip.AddrPort]*endpoint
	addr    netip.AddrPort // source address of the last message
	from    *endpoint      // of it, in known
}

func (c *udpConn) receiver() receiver {
	if c.gro {
		return &udpReceiver{conn: c, vector: sys.NewReceiveVector(groSlots, groSlotLen)}
	}
	return &udpReceiver{conn: c, vector: sys.NewReceiveVector(min(plainSlots, max(1, maxPlainLen/c.slot)), c.slot)}
}

func (c *udpConn) send(b *batch) int { return c.out.transmit(b) }

func (c *udpConn) sendOne(datagram []byte, to *endpoint) error {
	c.single.Reset()
	c.single.Add(datagram, 0, to.name.(*sys.Name))
	_, err := c.single.Send(c.socket)
	for tries := 0; err == syscall.EINTR || err != nil && tries == 0; { // it may be an ICMP error of an earlier datagram
		if err != syscall.EINTR {
			tries++
		}
		_, err = c.single.Send(c.socket)
	}
	return err
}

func socketName(addr netip.AddrPort) any { return sys.NewName(addr) }

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

// withSources finds the endpoint of each message's source. It keeps the last result, because most messages
// have the same source as the message before.
func (in *udpReceiver) withSources(messages []sys.Arrival) []message {
	if known := in.conn.endpoints.Load(); known != in.known {
		in.known, in.addr, in.from = known, netip.AddrPort{}, nil
	}
	for i := range messages {
		m := &messages[i]
		if m.Source != in.addr {
			in.addr, in.from = m.Source, (*in.known)[m.Source]
		}
		in.arrived[i] = message{data: m.Data, segment: m.Segment, truncated: m.Truncated, from: in.from, source: m.Source}
	}
	return in.arrived[:len(messages)]
}

func (c *udpConn) unknownSource() uint64 { return c.filter.Unknown() }

func (c *udpConn) interrupt() error {
	c.stopped.Store(true)
	return c.socket.ShutdownRead()
}

func (c *udpConn) close() error { return errors.Join(c.socket.Close(), c.filter.Close()) }

// sender passes datagrams of a batch to the kernel.
type sender interface {
	// send passes the datagrams from to to-1 of b to the kernel in order. taken is the number of accepted
	// datagrams. If err is nil and taken is too small, the caller has to send the rest. If err is not nil, the
	// kernel accepted no datagram, and the error is about the first failed datagrams.
	send(b *batch, from, to int) (taken, failed int, err error)
}

// name returns the destination of datagram i in the format of the socket calls.
func (b *batch) name(i int) *sys.Name { return b.datagrams[i].to.name.(*sys.Name) }

// plainSender sends one message for each datagram.
type plainSender struct {
	socket *sys.UDP
	vector sys.SendVector
}

func (s *plainSender) send(b *batch, from, to int) (taken, failed int, err error) {
	s.vector.Reset()
	for i := from; i < to && !s.vector.Full(); i++ {
		s.vector.Add(b.bytes(i, i+1), 0, b.name(i))
	}
	taken, err = s.vector.Send(s.socket)
	return taken, 1, err
}

// segmentingSender sends one message for each run of datagrams of one size. The kernel or the network
// card splits it (UDP_SEGMENT).
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
		s.vector.Add(b.bytes(i, i+n), segment, b.name(i))
		i += n
	}
	messages, err := s.vector.Send(s.socket)
	for _, n := range s.runs[:messages] {
		taken += n
	}
	return taken, s.runs[0], err
}

// transmitter uses the sender fast. When the kernel refuses segmentation, it uses the sender plain for a while
// and then tries again: the cause can be a route or a path MTU that does not stay. No datagram is lost in the
// change.
type transmitter struct {
	fast  sender // nil if unsupported
	plain sender
	offload.Backoff
}

// transmit sends b and returns the number of accepted datagrams. sendmsg may return an ICMP error of an earlier
// datagram instead of sending. Therefore transmit tries each datagram twice.
func (t *transmitter) transmit(b *batch) (sent int) {
	t.Begin()
	again := false
	for at := 0; at < b.len(); {
		taken, failed, err := t.offer(b, at)
		sent += taken
		at += taken
		switch {
		case err == nil:
			again = false
		case errors.Is(err, syscall.EINTR):
		case t.segments() && sys.RefusesSegmentation(err):
			t.Refused()
		case !again:
			again = true
		default:
			sent += t.sendSingly(b, at, at+failed)
			at += failed
			again = false
		}
	}
	return sent
}

// segments reports whether fast is used.
func (t *transmitter) segments() bool { return t.fast != nil && !t.Resting() }

func (t *transmitter) offer(b *batch, at int) (taken, failed int, err error) {
	if !t.segments() {
		return t.plain.send(b, at, b.len())
	}
	taken, failed, err = t.fast.send(b, at, b.len())
	if err == nil && t.Pause > 0 && b.joins(at, at+taken) {
		t.Worked()
	}
	return taken, failed, err
}

// sendSingly sends the datagrams of a refused message one by one. If they exceed the path MTU, the
// kernel refuses a message with several datagrams (EMSGSIZE), but may fragment datagrams that are
// sent singly. A message with only one datagram is marked as refused.
func (t *transmitter) sendSingly(b *batch, from, to int) (sent int) {
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
