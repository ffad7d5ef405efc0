package interop

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// The types of WireGuard's messages.
const (
	initiation = 1
	response   = 2
	cookie     = 3
	transport  = 4
)

// The sides of a pair, as indices.
const (
	left  = 0
	right = 1
)

var sideNames = [2]string{netns.Left, netns.Right}

// end returns the underlay address at which the end of a side listens, in the family of a mouth.
func end(side int, mouth netip.AddrPort) netip.AddrPort {
	at := [2]netip.Addr{netns.LeftWAN.Addr(), netns.RightWAN.Addr()}
	if mouth.Addr().Is6() {
		at = [2]netip.Addr{netns.LeftWAN6.Addr(), netns.RightWAN6.Addr()}
	}
	return netip.AddrPortFrom(at[side], role.WireGuardPort)
}

// mouths are the addresses at which each side finds the road, and so the other side. Both are on
// the right.
var mouths = [2]netip.AddrPort{netip.AddrPortFrom(netns.RightWAN.Addr(), 40000), netip.AddrPortFrom(netns.RightWAN.Addr(), 40001)}

// road passes the datagrams of each end on to the other. It knows their types, can hold back the
// initiations of an end, and can change the address under which an end is heard.
type road struct {
	ns      *netns.NS // where its sockets are
	closers closers.Stack

	mu       sync.Mutex
	mouths   [2]mouth    // by the side that it faces
	holdBack [2]bool     // the initiations of a side are not passed on
	seen     [2][5]int   // messages of each side by type
	lastCall []byte      // the last initiation of the left side
	crossing bool        // initiations wait until both sides have sent one
	calls    [2][]byte   // that wait to cross
	keeping  bool        // messages with data are kept for disorder
	kept     [2][][]byte // of each side, in the order of their arrival
}

// mouth is a socket of a road, and the end that it faces.
type mouth struct {
	conn *net.UDPConn
	end  netip.AddrPort
}

// send sends a message to the end. An end that is not there yet loses it.
func (m mouth) send(message []byte) { _, _ = m.conn.WriteToUDPAddrPort(message, m.end) }

// newRoad returns a road without sockets. It holds the initiations of the side that does not call back from the start: an
// end that has a packet of its own to send, such as an interface's IPv6 report, calls as soon as it is up.
func newRoad(ns *netns.NS, l layout) *road {
	r := &road{ns: ns, crossing: l.crossing}
	r.holdBack[1-l.caller] = !l.crossing
	return r
}

// openRoad opens a road in the right side's namespace.
func openRoad(ns *netns.NS, l layout) (*road, error) {
	r := newRoad(ns, l)
	for side, at := range mouths {
		if err := r.face(side, at); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// face makes the road face a side from an address. What the side sends to an earlier address is no
// longer passed on.
func (r *road) face(side int, at netip.AddrPort) error {
	conn, err := r.listen(at)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.mouths[side] = mouth{conn, end(side, at)}
	r.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.pass(side, conn)
	}()
	r.closers.Push(func() error {
		err := conn.Close()
		<-ended
		return err
	})
	return nil
}

func (r *road) listen(at netip.AddrPort) (conn *net.UDPConn, err error) {
	err = r.ns.Do(func() error {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	return conn, err
}

func (r *road) close() error { return r.closers.Close() }

// pass passes on what a side sends to a socket, until that is closed.
func (r *road) pass(side int, conn *net.UDPConn) {
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n == 0 {
			continue // an ICMP error: the other end is not up yet
		}
		if out := r.note(side, conn, buffer[:n]); out != nil {
			out.send(buffer[:n])
		}
	}
}

// note notes a message and returns the mouth from which it goes on; nil: it does not.
func (r *road) note(side int, conn *net.UDPConn, message []byte) *mouth {
	r.mu.Lock()
	defer r.mu.Unlock()
	if conn != r.mouths[side].conn {
		return nil
	}
	kind := message[0]
	if int(kind) < len(r.seen[side]) {
		r.seen[side][kind]++
	}
	if kind == initiation && side == left {
		r.lastCall = slices.Clone(message)
	}
	switch {
	case kind == initiation && r.holdBack[side]:
		return nil
	case kind == initiation && r.crossing:
		r.cross(side, message)
		return nil
	case kind == transport && r.keeping:
		r.kept[side] = append(r.kept[side], slices.Clone(message))
		return nil
	}
	on := r.mouths[1-side]
	return &on
}

// messages returns how many messages of a type a side has sent.
func (r *road) messages(side, kind int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[side][kind]
}

// hold holds the initiations of a side back, or no longer.
func (r *road) hold(side int, back bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holdBack[side] = back
}

// flood repeats the last initiation of the left side to the right one, from a socket of its own, until ctx is
// done. It calls onCookie at each cookie reply.
func (r *road) flood(ctx context.Context, onCookie func()) error {
	r.mu.Lock()
	message := r.lastCall
	r.mu.Unlock()
	conn, err := r.listen(netip.AddrPortFrom(netns.RightWAN.Addr(), 0))
	if err != nil {
		return testerError{err}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		answer := make([]byte, 2048)
		for {
			n, err := conn.Read(answer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if n > 0 && answer[0] == cookie {
				onCookie()
			}
		}
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for range floodBurst {
			_, _ = conn.WriteToUDPAddrPort(message, end(right, mouths[right]))
		}
		<-tick.C
	}
	err = conn.Close()
	<-ended
	return err
}

// floodBurst is the number of copies that a flood sends each millisecond.
const floodBurst = 15
