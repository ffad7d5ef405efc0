package reference

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// An end that starts again answers a recorded initiation once, has no session of it, and follows the peer as soon as
// it is heard of, as docs/sealed.md says.
func TestRecordedInitiationAfterRestart(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.left.Control(p.now)
	recorded := bytes.Clone(p.toRight[0])
	p.settle()

	p.now = p.now.Add(time.Hour)
	p.right = newSealedEnd(t, p.rightKey, settings.Peer{ID: 1, Public: p.leftKey.Public(), Prefixes: of("10.1.0.0/16")}, rightAddr,
		&p.atRight, func(m []byte) { p.toLeft = append(p.toLeft, bytes.Clone(m)) })
	attacker := netip.MustParseAddrPort("198.51.100.66:6")
	for range 3 {
		p.right.Decap(attacker, bytes.Clone(recorded), 0)
		p.right.Control(p.now)
	}
	if len(p.toLeft) != 1 || len(p.toLeft[0]) >= len(recorded) {
		t.Errorf("%d answers to three copies", len(p.toLeft))
	}
	if s := p.right.State().Peers[0]; s.Endpoint != attacker || !s.LastHandshake.IsZero() {
		t.Errorf("%+v", s)
	}
	p.toLeft, p.atRight = nil, nil
	p.now = p.now.Add(time.Second) // an end answers one in 20 ms
	p.left.Control(p.now)
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	p.settle()
	if s := p.right.State().Peers[0]; s.Endpoint != leftAddr || len(p.atRight) != 1 {
		t.Errorf("%+v, %d packets", s, len(p.atRight))
	}
}

// A peer whose clock was ahead and is set back is refused until it leaves and joins again.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.now = p.now.Add(24 * time.Hour)
	p.left.Control(p.now)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	p.now = p.now.Add(-12 * time.Hour)
	p.left = newSealedEnd(t, p.leftKey, settings.Peer{ID: 1, Public: p.rightKey.Public(), Endpoint: rightAddr, Prefixes: of("10.2.0.0/16")}, leftAddr,
		&p.atLeft, func(m []byte) { p.toRight = append(p.toRight, bytes.Clone(m)) })
	p.left.Control(p.now)
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	p.settle()
	if n := p.right.Stats().Handshakes.Refused(wireguard.RefusedReplay); n != 1 || len(p.atRight) != 1 {
		t.Errorf("%d refused, %d packets", n, len(p.atRight))
	}
	public := p.leftKey.Public()
	mustChange(t, p.right, roster.PeerChange{Public: public, Remove: true},
		roster.PeerChange{Public: public, Prefixes: []roster.PrefixChange{{Prefix: of("10.1.0.0/16")[0]}}})
	for range 700 {
		p.now = p.now.Add(10 * time.Millisecond)
		p.settle()
	}
	if len(p.atRight) != 2 {
		t.Errorf("%d packets after the peer has joined again, want 2", len(p.atRight))
	}
}
