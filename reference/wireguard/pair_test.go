package wireguard

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// seeded is a source of random bytes that repeats itself.
type seeded struct{ *rand.ChaCha8 }

func newSeeded(seed byte) seeded { return seeded{rand.NewChaCha8([32]byte{seed})} }

// host is a device with one peer, at an address, on a virtual clock.
type host struct {
	t       *testing.T
	device  *Device
	peer    *Peer
	at      netip.AddrPort
	private PrivateKey
	got     [][]byte // packets that came in
}

// network is two hosts and what is between them.
type network struct {
	now         time.Time
	left, right *host
	// lose says which messages get lost; nil: none.
	lose func(s Send, from *host) bool
	sent []sent
}

// sent is a message that was on the way.
type sent struct {
	at   time.Time
	from *host
	kind Type
	Send
}

func newNetwork(t *testing.T, change func(l, r *PeerConfig)) *network {
	t.Helper()
	n := &network{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	n.left, n.right = newHost(t, 1, left), newHost(t, 2, right)
	toRight := PeerConfig{Public: n.right.private.Public(), Endpoint: right, Owner: n.left}
	toLeft := PeerConfig{Public: n.left.private.Public(), Endpoint: left, Owner: n.right}
	if change != nil {
		change(&toRight, &toLeft)
	}
	n.left.set(n.now, toRight)
	n.right.set(n.now, toLeft)
	return n
}

func newHost(t *testing.T, seed byte, at netip.AddrPort) *host {
	t.Helper()
	random := newSeeded(seed)
	private, err := NewPrivateKey(random)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Config{Private: private, MTU: 1420, Random: random})
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, device: d, at: at, private: private}
}

func (h *host) set(now time.Time, cfg PeerConfig) {
	h.t.Helper()
	p, err := h.device.SetPeer(now, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.peer = p
}

func (n *network) other(h *host) *host {
	if h == n.left {
		return n.right
	}
	return n.left
}

// carry brings messages to the other host, and its answers back, until there are no more.
func (n *network) carry(from *host, sends []Send) {
	for _, s := range sends {
		kind, _ := TypeOf(s.Datagram)
		n.sent = append(n.sent, sent{n.now, from, kind, s})
		if n.lose != nil && n.lose(s, from) {
			continue
		}
		to := n.other(from)
		n.carry(to, to.receive(n.now, s.Datagram, from.at))
	}
}

// receive takes a message as a tunnel does, and returns the answers.
func (h *host) receive(now time.Time, message []byte, from netip.AddrPort) []Send {
	message = append([]byte(nil), message...)
	t, ok := TypeOf(message)
	if !ok {
		return nil
	}
	if t != Data {
		sends, _ := h.device.Handshake(now, message, from, false)
		return sends
	}
	k := h.device.Sessions(now, []uint32{Index(message)}, nil)[0]
	if k == nil {
		return nil
	}
	packet, err := k.Open(message)
	if err != nil || k.Accept(Counter(message)) != nil {
		return nil
	}
	if len(packet) > 0 {
		h.got = append(h.got, packet)
	}
	if tick := h.device.Received(now, k, from, len(packet) > 0); tick {
		return h.device.Tick(now)
	}
	return nil
}

// send sends a packet as a tunnel does.
func (n *network) send(h *host, packet []byte) {
	k, counter, _ := h.device.Reserve(n.now, h.peer, 1)
	if k == nil {
		h.device.Stage(n.now, h.peer, packet)
		n.carry(h, h.device.Tick(n.now))
		return
	}
	message := make([]byte, HeaderLen+Padded(len(packet), 1420)+TagLen)
	copy(message[HeaderLen:], packet)
	k.Seal(message, counter)
	n.carry(h, []Send{{Peer: h.peer, To: h.peer.endpoint, Datagram: message, Packet: len(packet)}})
}

// run lets time pass, and the hosts' timers fire when they are due.
func (n *network) run(d time.Duration) {
	for end := n.now.Add(d); ; {
		at := earliest(n.left.device.Next(), n.right.device.Next())
		if at.IsZero() || at.After(end) {
			n.now = end
			return
		}
		if at.After(n.now) {
			n.now = at
		}
		n.carry(n.left, n.left.device.Tick(n.now))
		n.carry(n.right, n.right.device.Tick(n.now))
	}
}

// kinds returns when a host sent messages of a kind, since a moment.
func (n *network) kinds(h *host, t Type, since time.Time) (at []time.Duration) {
	for _, s := range n.sent {
		if s.from == h && s.kind == t && !s.at.Before(since) {
			at = append(at, s.at.Sub(since))
		}
	}
	return at
}

// numbered returns a packet that says its number.
func numbered(i int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 56), uint64(i)) }
