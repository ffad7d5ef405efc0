package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"runtime"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// Ends attacks two ends joined by a simulated wire. The input is a program: in each step one byte
// chooses what happens and a second byte how. Whatever the wire does to datagrams, a packet arrives
// at the right end, unchanged and once, or not at all. Only packets that the wire lost or damaged, or
// that the replay window must refuse, may be missing.
func Ends(data []byte) int {
	const longest = 1 << 12 // bytes of a program; each step costs a packet
	w := newWire()
	goroutines := runtime.NumGoroutine()
	for data = data[:min(len(data), longest)]; len(data) >= 2; {
		data = data[w.step(data[0], data[1:]):]
	}
	w.balance()
	oracle.Settles("goroutines", goroutines, runtime.NumGoroutine)
	return min(1, w.arrived)
}

// wire joins the two ends with one queue for each direction.
type wire struct {
	now   uint64 // the clock; the first sequence number of a new end
	sides [2]*side

	arrived int
}

// side is an end with its receive queue and the packet that it must deliver next.
type side struct {
	end      *reference.End
	at, peer netip.AddrPort
	nets     []netip.Prefix
	queue    [][]byte
	expected []byte // the packet that must be delivered next; nil: none
	window   windowModel
	sequence uint64   // of the last datagram sent; 0: none yet
	sent     [][]byte // datagrams that the end sent in this step
}

// maxFlights is the queue length in datagrams. Further datagrams are lost, as on any wire.
const maxFlights = 64

func newWire() *wire {
	w := &wire{now: 1000}
	w.sides[0] = &side{at: hereEndpoint, peer: thereEndpoint, nets: hereNets}
	w.sides[1] = &side{at: thereEndpoint, peer: hereEndpoint, nets: thereNets}
	for i := range w.sides {
		w.start(i)
	}
	return w
}

// start starts or restarts an end. The peer's replay window is not reset by that.
func (w *wire) start(i int) {
	s, peer := w.sides[i], w.sides[1-i]
	s.window, s.sequence = windowModel{}, 0
	s.end = newEnd(endConfig(s.at, settings.Peer{ID: pairID, Endpoint: peer.at, Prefixes: peer.nets}), w.now,
		func(packet []byte) {
			if s.expected == nil || !bytes.Equal(packet, s.expected) {
				oracle.Fail(oracle.Agreement, "delivered\n% x, want\n% x", packet, s.expected)
			}
			s.expected = nil
			w.arrived++
		},
		func(to netip.AddrPort, datagram []byte) {
			oracle.Agree("destination of a datagram", to, peer.at)
			s.sent = append(s.sent, oracle.Exact(datagram))
		})
}

// step runs one step of the program and returns how many bytes it used of how.
func (w *wire) step(what byte, how []byte) int {
	w.now++
	from := int(what>>7) & 1
	to := w.sides[1-from]
	head := len(to.queue) - 1
	arg := int(how[0])
	switch op := what & 15; {
	case op < 4:
		w.send(from, arg)
	case op < 8 && head >= 0:
		w.receive(to, false)
	case op == 8 && head >= 0: // loss
		to.queue = to.queue[1:]
	case op == 9 && head >= 0: // duplication
		to.put(to.queue[arg%len(to.queue)])
	case op == 10 && head >= 0: // reordering
		at := arg % len(to.queue)
		to.queue[0], to.queue[at] = to.queue[at], to.queue[0]
	case op == 11 && head >= 0 && len(to.queue[0]) > 0: // corruption
		to.queue[0] = oracle.Exact(to.queue[0])
		to.queue[0][arg%len(to.queue[0])] ^= 1 << (what >> 4 & 7)
	case op == 12 && head >= 0: // truncation
		to.queue[0] = oracle.Exact(to.queue[0][:arg%(len(to.queue[0])+1)])
	case op == 13 && head >= 0: // from an unknown source
		w.receive(to, true)
	case op == 14: // time passes
		w.now += 1 << (arg % 40)
	case op == 15: // restart, after the clock has advanced
		w.now += 1 << 20
		w.start(from)
	}
	return 2
}

func (s *side) put(datagram []byte) {
	if len(s.queue) < maxFlights {
		s.queue = append(s.queue, datagram)
	}
}

// send puts a packet into an end. For one length in eight its destination is behind no peer.
func (w *wire) send(from, arg int) {
	s, peer := w.sides[from], w.sides[1-from]
	noRoute := arg%8 == 7
	packet := packetBetween(s.nets, peer.nets, arg, noRoute)
	if arg%16 == 15 {
		packet[0] = 0 // not an IP packet
	}
	before := s.end.Stats().Encap
	s.end.Encap(packet)
	after := s.end.Stats().Encap
	if after.Received-before.Received != 1 || after.Delivered+after.Drops.Sum()-before.Delivered-before.Drops.Sum() != 1 {
		oracle.Fail(oracle.Counted, "one packet: %v, then %v", before, after)
	}
	if want := !noRoute && len(packet) <= endMTU; want != (len(s.sent) == 1) {
		oracle.Fail(oracle.Agreement, "a packet of %d bytes became %d datagrams", len(packet), len(s.sent))
	}
	for _, datagram := range s.sent {
		s.checkSequence(be(datagram, 4, 8))
		oracle.Agree("a sent datagram", slowParse(datagram), nil)
		if !bytes.Equal(datagram[tunnelwire.HeaderLen:], packet) {
			oracle.Fail(oracle.RoundTrip, "payload sent\n% x, was\n% x", datagram[tunnelwire.HeaderLen:], packet)
		}
		peer.put(datagram)
	}
	s.sent = nil
}

// checkSequence fails unless sequence numbers rise by one with each datagram.
func (s *side) checkSequence(sequence uint64) {
	if s.sequence > 0 {
		oracle.Agree("sequence number", sequence, s.sequence+1)
	}
	s.sequence = sequence
}

// packetBetween returns an IP packet of 40+8*arg bytes. An odd arg makes it IPv6.
func packetBetween(from, to []netip.Prefix, arg int, noRoute bool) []byte {
	v6 := arg & 1
	src, dst := from[v6].Addr().AsSlice(), to[v6].Addr().AsSlice()
	if noRoute {
		dst[0] = 0xfd
	}
	packet := make([]byte, 40+arg*8)
	for i := range packet {
		packet[i] = byte(i * 7)
	}
	if v6 == 1 {
		packet[0] = 0x60
		binary.BigEndian.PutUint16(packet[4:], uint16(len(packet)-40))
		copy(packet[8:], src)
		copy(packet[24:], dst)
		return packet
	}
	packet[0] = 0x45
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	copy(packet[12:], src)
	copy(packet[16:], dst)
	return packet
}

// receive gives an end the first datagram of its queue, with its peer's or an unknown source address.
func (w *wire) receive(s *side, unknownSource bool) {
	datagram := s.queue[0]
	s.queue = s.queue[1:]
	from, want := unknownEndpoint, stats.DropPeer
	if !unknownSource {
		from, want = s.peer, s.expect(datagram)
	}
	if want == stats.DropNone {
		s.expected = datagram[tunnelwire.HeaderLen:]
	}
	before := s.end.Stats()
	s.end.Decap(from, oracle.Exact(datagram), 0)
	after := s.end.Stats()
	if s.expected != nil {
		oracle.Fail(oracle.Agreement, "an intact packet was lost: %v", after.Decap)
	}
	if want != stats.DropNone && after.Decap.Drops[want] != before.Decap.Drops[want]+1 {
		oracle.Fail(oracle.Counted, "want one more drop %v: %v, then %v", want, before.Decap, after.Decap)
	}
	if len(s.sent) > 0 {
		oracle.Fail(oracle.Amplification, "%d datagrams were sent in response to one", len(s.sent))
	}
}

// expect returns the expected drop reason of a datagram from the peer.
func (s *side) expect(datagram []byte) stats.Drop {
	parsed := slowParse(datagram)
	switch {
	case parsed == tunnelwire.ErrShort || parsed == tunnelwire.ErrLength:
		return dropOf(parsed)
	case be(datagram, 0, 4) != pairID:
		return stats.DropTunnel
	case parsed != nil:
		return dropOf(parsed)
	}
	return dropOf(s.window.accept(be(datagram, 4, 8)))
}

// balance fails unless every received packet is counted as delivered or dropped.
func (w *wire) balance() {
	for _, s := range w.sides {
		for _, d := range []stats.Direction{s.end.Stats().Encap, s.end.Stats().Decap} {
			if d.Received != d.Delivered+d.Drops.Sum() {
				oracle.Fail(oracle.Counted, "%v", d)
			}
		}
	}
}
