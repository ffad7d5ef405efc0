package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/series"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Place is an end of a stream: a host in its namespace.
type Place struct {
	NS   *netns.NS
	Dev  string // the host's interface
	Addr netip.Addr
}

// The ring of a reader: four seconds of a datagram each millisecond.
const (
	slots      = 4096
	keptOctets = 176
)

// Stream is a light stream in both directions, or only from left.
type Stream struct {
	every   time.Duration
	began   int64         // ns of CLOCK_REALTIME
	ways    []*way        // from left, and from right
	quiet   chan struct{} // closed: send no more
	stop    chan struct{} // closed: read no more
	sending sync.WaitGroup
	reading sync.WaitGroup
	closers closers.Stack
}

// way is one direction of a stream.
type way struct {
	id      uint64
	from    *net.UDPConn
	to      netip.AddrPort
	arrives *tap.Tap
	sent    []atomic.Int64 // by number; ns since the start of the stream
	arrived []atomic.Int64 // by number; 0: it has not
	next    atomic.Int64   // number of the next datagram
	newest  atomic.Int64   // when the latest of the datagrams that arrived was sent; -1: none arrived
}

// Start starts a stream of a datagram each way every so often, for at most a limit.
func Start(left, right Place, every, limit time.Duration) (*Stream, error) {
	return start([]Place{left, right}, []Place{right, left}, every, limit)
}

// StartForward starts a stream from left only: the right end has no packet of its own to send, which keeps the ends of a
// tunnel from calling each other at the same time.
func StartForward(left, right Place, every, limit time.Duration) (*Stream, error) {
	return start([]Place{left}, []Place{right}, every, limit)
}

func start(from, to []Place, every, limit time.Duration) (*Stream, error) {
	s := &Stream{every: every, quiet: make(chan struct{}), stop: make(chan struct{})}
	for i := range from {
		if err := s.open(from[i], to[i], int(limit/every)+1); err != nil {
			return nil, errors.Join(fmt.Errorf("light stream: %w", err), s.closers.Close())
		}
	}
	s.began = time.Now().UnixNano()
	for _, w := range s.ways {
		s.reading.Go(func() { w.read(s.began, s.stop) })
	}
	s.sending.Go(s.send)
	return s, nil
}

// open opens one direction.
func (s *Stream) open(from, to Place, most int) (err error) {
	w := &way{id: newID(), to: netip.AddrPortFrom(to.Addr, Port), sent: make([]atomic.Int64, most), arrived: make([]atomic.Int64, most)}
	w.newest.Store(-1)
	if w.from, err = from.listen(); err != nil {
		return err
	}
	s.closers.Push(w.from.Close)
	if w.arrives, err = to.receive(); err != nil {
		return err
	}
	s.closers.Push(w.arrives.Close)
	s.ways = append(s.ways, w)
	return nil
}

// listen opens the socket of a host. Nothing reads it: what arrives is seen at the interface, and the socket only keeps
// the kernel from answering that nobody listens.
func (p Place) listen() (conn *net.UDPConn, err error) {
	err = p.NS.Do(func() error {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Addr, Port)))
		return err
	})
	return conn, err
}

// receive opens the reader of a host.
func (p Place) receive() (*tap.Tap, error) {
	program, err := portFilter()
	if err != nil {
		return nil, err
	}
	return tap.Open(p.NS, p.Dev, slots, keptOctets, program)
}

// send sends until the stream is stopped or has sent all it may.
func (s *Stream) send() {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	buffer := make([]byte, payloadLen)
	for number := range s.ways[0].sent {
		for _, w := range s.ways {
			putDatagram(buffer, w.id, uint32(number))
			w.sent[number].Store(time.Now().UnixNano() - s.began)
			_, _ = w.from.WriteToUDPAddrPort(buffer, w.to) // one that cannot be sent is one that does not arrive
			w.next.Store(int64(number) + 1)
		}
		select {
		case <-tick.C:
		case <-s.quiet:
			return
		}
	}
}

// read notes arrivals until the stream is stopped and nothing waits any more.
func (w *way) read(began int64, stop <-chan struct{}) {
	const look = 20 * time.Millisecond
	poll := tap.NewPoll(w.arrives)
	for {
		w.arrives.Each(func(f tap.Frame) { w.note(f, began) })
		select {
		case <-stop:
			return
		default:
			_ = poll.Wait(look)
		}
	}
}

// note notes one arrival.
func (w *way) note(p tap.Frame, began int64) {
	number, ok := numberOf(p.Data, w.id)
	if !ok || int64(number) >= int64(len(w.arrived)) {
		return
	}
	if !w.arrived[number].CompareAndSwap(0, max(1, p.At-began)) {
		return
	}
	w.newest.Store(max(w.newest.Load(), w.sent[number].Load()))
}

// At returns a moment of CLOCK_REALTIME, in ns, as the time since the start of the stream.
func (s *Stream) At(realtime int64) time.Duration { return time.Duration(realtime - s.began) }

// Now returns the time since the start of the stream.
func (s *Stream) Now() time.Duration { return time.Duration(time.Now().UnixNano() - s.began) }

// Flows reports whether datagrams that were sent after a moment have arrived at the end of each direction.
func (s *Stream) Flows(since time.Duration) bool {
	for _, w := range s.ways {
		if w.newest.Load() <= int64(since) {
			return false
		}
	}
	return true
}

// Await waits until datagrams that were sent after a moment have arrived at the end of each direction. It returns false when that takes
// longer than a limit, and the error of ctx if that ends first.
func (s *Stream) Await(ctx context.Context, since, limit time.Duration) (bool, error) {
	const look = 5 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	for start := s.Now(); !s.Flows(since); {
		if s.Now()-start > limit {
			return false, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

// Result is what became of a stream.
type Result struct {
	Forward, Reverse series.Series // the datagrams from left, and those from right
}

// Stop ends the stream, and waits for datagrams that are on their way.
func (s *Stream) Stop(drain time.Duration) (r Result, err error) {
	close(s.quiet)
	s.sending.Wait()
	time.Sleep(drain)
	close(s.stop)
	s.reading.Wait()
	for i, into := range []*series.Series{&r.Forward, &r.Reverse}[:len(s.ways)] {
		*into = s.ways[i].series()
	}
	return r, s.closers.Close()
}

func (w *way) series() series.Series {
	all := make(series.Series, w.next.Load())
	for i := range all {
		all[i].Sent = time.Duration(w.sent[i].Load())
		if at := w.arrived[i].Load(); at != 0 {
			all[i].Arrived, all[i].Came = time.Duration(at), true
		}
	}
	return all
}
