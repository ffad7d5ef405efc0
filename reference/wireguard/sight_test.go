package wireguard

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

// What is seen without the lock follows what the device knows.
func TestSight(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	of := func(d *Device) *Peer {
		for _, p := range d.peers {
			return p
		}
		return nil
	}
	p := of(n.right.device)
	if s := p.Sight(); !s.Heard.IsZero() || !s.LastHandshake.IsZero() || s.Unanswered != 0 {
		t.Fatalf("at first: %+v", s)
	}
	agree := func(when string) {
		t.Helper()
		known, s := n.right.device.States(n.now)[0], p.Sight()
		if s.Endpoint != known.Endpoint || !s.LastHandshake.Equal(known.LastHandshake) {
			t.Errorf("%s: sees %+v, knows %+v", when, s, known)
		}
	}
	n.send(n.left, numbered(1))
	agree("after a handshake")
	if s := p.Sight(); s.LastHandshake.IsZero() || n.now.Sub(s.Heard) >= hearing {
		t.Errorf("after a handshake: %+v at %v", s, n.now)
	}
	n.now = n.now.Add(5 * time.Second)
	forged := bytes.Clone(n.sent[len(n.sent)-1].Datagram)
	forged[len(forged)-1] ^= 1
	n.right.receive(n.now, forged, netip.MustParseAddrPort("192.0.2.9:9"))
	if age := n.now.Sub(p.Sight().Heard); age < 5*time.Second {
		t.Errorf("a forged message counts as heard: %v ago", age)
	}
	n.left.at = netip.MustParseAddrPort("[2001:db8::1]:9")
	n.send(n.left, numbered(2))
	agree("after a move")
	if age := n.now.Sub(p.Sight().Heard); age >= hearing {
		t.Errorf("heard %v ago", age)
	}
	n.right.set(n.now, PeerConfig{Public: p.public, Endpoint: left, Owner: p.Owner})
	agree("after a change")
	if s := p.Sight(); !s.Heard.IsZero() {
		t.Errorf("nobody has shown to be at the new endpoint: %+v", s)
	}
}

// A handshake that nobody answers is counted when it is given up.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	p := n.left.device.peers[n.right.device.Public()]
	n.right.device.RemovePeer(n.left.device.Public())
	n.send(n.left, numbered(1))
	n.run(GiveUpAfter - 5*time.Second)
	if s := p.Sight(); s.Unanswered != 0 {
		t.Errorf("given up early: %+v", s)
	}
	n.run(20 * time.Second)
	if s := p.Sight(); s.Unanswered != 1 {
		t.Errorf("after %v: %+v", GiveUpAfter, s)
	}
}
