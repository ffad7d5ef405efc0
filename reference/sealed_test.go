package reference

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

var leftAddr, rightAddr = netip.MustParseAddrPort("192.0.2.1:51820"), netip.MustParseAddrPort("192.0.2.2:51820")

// sealedPair is two sealed ends and the messages between them.
type sealedPair struct {
	left, right       *End
	toLeft, toRight   [][]byte // on the way
	atLeft, atRight   [][]byte // packets that came out
	now               time.Time
	keepsBuffers      bool // messages are not copied: for a test of allocations
	leftKey, rightKey wireguard.PrivateKey
}

// behindLeft and behindRight are inner addresses.
var behindLeft, behindRight = [4]byte{10, 1, 0, 1}, [4]byte{10, 2, 0, 1}

func newSealedPair(t testing.TB) *sealedPair {
	t.Helper()
	p := &sealedPair{now: time.Unix(1e9, 0), leftKey: wireguard.PrivateKey{8, 1}, rightKey: wireguard.PrivateKey{8, 2}}
	p.left = newSealedEnd(t, p.leftKey, settings.Peer{ID: 1, Public: p.rightKey.Public(), Endpoint: rightAddr, Prefixes: of("10.2.0.0/16")}, leftAddr,
		&p.atLeft, func(m []byte) { p.toRight = append(p.toRight, p.copied(m)) })
	p.right = newSealedEnd(t, p.rightKey, settings.Peer{ID: 1, Public: p.leftKey.Public(), Prefixes: of("10.1.0.0/16")}, rightAddr,
		&p.atRight, func(m []byte) { p.toLeft = append(p.toLeft, p.copied(m)) })
	return p
}

func (p *sealedPair) copied(m []byte) []byte {
	if p.keepsBuffers {
		return m
	}
	return bytes.Clone(m)
}

func newSealedEnd(t testing.TB, key wireguard.PrivateKey, peer settings.Peer, at netip.AddrPort, out *[][]byte, send func([]byte)) *End {
	t.Helper()
	cfg := settings.Defaults(settings.TUN)
	cfg.Dev, cfg.Listen, cfg.Private, cfg.Peers = "wg", at, key, []settings.Peer{peer}
	e, err := NewEnd(cfg, 1, func(packet []byte) { *out = append(*out, bytes.Clone(packet)) }, func(_ netip.AddrPort, m []byte) { send(m) })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// settle carries messages both ways until there are no more.
func (p *sealedPair) settle() {
	for {
		p.left.Control(p.now)
		p.right.Control(p.now)
		if len(p.toLeft)+len(p.toRight) == 0 {
			return
		}
		there, back := p.toRight, p.toLeft
		p.toRight, p.toLeft = nil, nil
		for _, m := range there {
			p.right.Decap(leftAddr, m, 0)
		}
		for _, m := range back {
			p.left.Decap(rightAddr, m, 0)
		}
	}
}

// packetBetween returns an IPv4 packet of n bytes.
func packetBetween(from, to [4]byte, n int) []byte {
	packet := ipPacket(4, n)
	packet[2], packet[3] = byte(n>>8), byte(n)
	copy(packet[12:], from[:])
	copy(packet[16:], to[:])
	return packet
}

// Packets of every length cross in both directions; those before the session wait for it, in order.
func TestSealedEnds(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	var there, back [][]byte
	for n := 20; n <= 1500; n += 37 {
		there = append(there, packetBetween(behindLeft, behindRight, n))
		back = append(back, packetBetween(behindRight, behindLeft, n))
	}
	p.left.Control(p.now)
	p.left.Encap(there...)
	p.settle()
	p.right.Encap(back...)
	p.settle()
	for _, c := range []struct {
		name      string
		got, want [][]byte
	}{{"there", p.atRight, there}, {"back", p.atLeft, back}} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %d packets, want %d", c.name, len(c.got), len(c.want))
			continue
		}
		for i := range c.got {
			if !bytes.Equal(c.got[i], c.want[i]) {
				t.Errorf("%s: packet %d is another", c.name, i)
			}
		}
	}
	for name, e := range map[string]*End{"left": p.left, "right": p.right} {
		balanced(t, name+" encap", e.Stats().Encap)
		balanced(t, name+" decap", e.Stats().Decap)
	}
}

// What must not come in is dropped for its reason, and nothing else.
func TestSealedDrops(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	seal := func(packet []byte) []byte {
		p.left.Encap(packet)
		m := p.toRight[len(p.toRight)-1]
		p.toRight = nil
		return m
	}
	good := seal(packetBetween(behindLeft, behindRight, 60))
	flipped := bytes.Clone(good)
	flipped[20] ^= 1
	unknown := bytes.Clone(good)
	unknown[4] ^= 1
	lying := packetBetween(behindLeft, behindRight, 60)
	lying[3] = 200 // longer than it is
	stub := packetBetween(behindLeft, behindRight, 60)
	stub[3] = 5 // shorter than a header
	for _, c := range []struct {
		name    string
		message []byte
		want    stats.Drop
	}{
		{"a bit flipped", flipped, stats.DropSeal},
		{"no such session", unknown, stats.DropSession},
		{"genuine", good, stats.DropNone},
		{"again", bytes.Clone(good), stats.DropReplay},
		{"no message", make([]byte, 40), stats.DropShort},
		{"short", good[:31], stats.DropShort},
		{"long", append(bytes.Clone(good), make([]byte, 2000)...), stats.DropOversize},
		{"a source that is not the peer's", seal(packetBetween([4]byte{10, 9, 9, 9}, behindRight, 60)), stats.DropSource},
		{"a length beyond its end", seal(lying), stats.DropInner},
		{"a length below a header's", seal(stub), stats.DropInner},
	} {
		before := p.right.Stats().Decap
		p.right.Decap(leftAddr, bytes.Clone(c.message), 0)
		after := p.right.Stats().Decap
		for reason := range after.Drops {
			if want := stats.Drop(reason) == c.want && c.want != stats.DropNone; (after.Drops[reason] > before.Drops[reason]) != want {
				t.Errorf("%s: %v", c.name, after)
			}
		}
		if (after.Delivered > before.Delivered) != (c.want == stats.DropNone) {
			t.Errorf("%s: %v", c.name, after)
		}
		balanced(t, c.name, after)
	}
}

// Packets for a peer that never answers are counted when they are given up.
func TestSealedUnanswered(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	for range 3 {
		p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	}
	for range 200 {
		p.left.Control(p.now)
		p.now = p.now.Add(time.Second)
	}
	if s := p.left.Stats().Encap; s.Received != 3 || s.Drops[stats.DropSession] != 3 {
		t.Errorf("%v", s)
	}
}

// A peer that has moved is sent to where it is, also if control was about to send to where it was.
func TestSealedFollows(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	f := p.right.tunnel.format.(*sealed)
	p.now = p.now.Add(11 * time.Second) // a keepalive is due
	late := f.device.Tick(p.now)
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	moved := netip.MustParseAddrPort("198.51.100.9:7")
	p.right.Decap(moved, p.toRight[0], 0)
	f.send(late)
	var to netip.AddrPort
	p.right.conn.sendTo = func(at netip.AddrPort, _ []byte) { to = at }
	p.right.Encap(packetBetween(behindRight, behindLeft, 60))
	if to != moved {
		t.Errorf("sent to %v, want %v", to, moved)
	}
}

// Packets for a peer that has never called, and whose address nobody knows, do not wait for ever.
func TestSealedUnknownEndpoint(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	for range 3 {
		p.right.Encap(packetBetween(behindRight, behindLeft, 60))
	}
	p.right.Control(p.now)
	if s := p.right.Stats().Encap; s.Drops[stats.DropSession] != 3 {
		t.Errorf("%v", s)
	}
	p.right.Decap(netip.AddrPortFrom(leftAddr.Addr(), 0), make([]byte, 32), 0)
	if s := p.right.Stats().Decap; s.Drops[stats.DropPeer] != 1 {
		t.Errorf("%v: nothing can be sent to port 0", s)
	}
}

// A run of data allocates nothing.
func TestSealedAllocatesNothing(t *testing.T) {
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	e := p.left.tunnel
	b := newBatch(e.format.layout(), frameBatch)
	packet := packetBetween(behindLeft, behindRight, 1000)
	in := p.right.tunnel.decap.newBatch()
	in.messages = make([]message, 1)
	p.right.port.deliver = func([]byte) {}
	allocs := testing.AllocsPerRun(200, func() {
		b.reset()
		for range 20 {
			b.commit(copy(b.next(), packet))
			b.datagrams[b.len()-1].peer = e.peers.all()[0]
		}
		e.format.number(b)
		e.format.seal(b)
		in.messages[0] = message{data: b.bytes(0, 20), segment: b.datagrams[0].len(), source: leftAddr}
		p.right.tunnel.decap.process(in)
		p.right.tunnel.decap.deliver(in)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if s := p.right.Stats().Decap; s.Delivered < 4000 || s.Drops.Sum() > 0 {
		t.Errorf("%v", s)
	}
}

// A flood of handshake messages costs no allocation, so that it cannot make the garbage collector work.
func TestRefusedHandshakeAllocatesNothing(t *testing.T) {
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.left.Control(p.now)
	forged := bytes.Clone(p.toRight[0])
	forged[len(forged)-20]++ // in mac1
	p.settle()
	control := p.right.tunnel.sealed.control
	if allocs := testing.AllocsPerRun(200, func() {
		control.Hand(forged, leftAddr)
		control.At(p.now)
	}); allocs > 1 { // the clock of the test
		t.Errorf("%v allocations", allocs)
	}
	if got := p.right.tunnel.format.(*sealed).device.Tally().Refused(wireguard.RefusedMAC); got < 200 {
		t.Errorf("%d messages with a wrong mac1 were refused", got)
	}
}
