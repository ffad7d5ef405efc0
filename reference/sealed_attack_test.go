package reference

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// Data that come again from elsewhere move nothing, alone or behind other messages.
func TestSealedReplayMovesNothing(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	seen := bytes.Clone(p.toRight[0])
	p.settle()
	p.right.Decap(netip.MustParseAddrPort("198.51.100.66:6"), seen, 0)
	if s := p.right.State().Peers[0]; s.Endpoint != leftAddr {
		t.Errorf("a replay moved the endpoint to %v", s.Endpoint)
	}
	if got := p.right.Stats().Decap.Drops[stats.DropReplay]; got != 1 {
		t.Errorf("%d replays were counted, want 1", got)
	}
}

// Datagrams of any length, single or in a row, are counted and stop nothing.
func TestSealedTakesAnyLength(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	sent := uint64(0)
	for _, first := range []byte{0, 1, 2, 3, 4, 0xff} {
		for _, c := range []struct{ bytes, segment, datagrams int }{
			{0, 0, 1}, {1, 0, 1}, {3, 0, 1}, {4, 0, 1}, {31, 0, 1}, {32, 0, 1}, {1500, 0, 1}, {1501, 0, 1}, {9000, 0, 1},
			{settings.MaxDatagram, 0, 1}, {65507, 0, 1}, {65507, 1452, 46}, {65507, 1, 65507}, {65507, 40000, 2}, {64, 64, 1},
		} {
			message := make([]byte, c.bytes)
			if c.bytes > 0 {
				message[0] = first
			}
			p.right.Decap(leftAddr, message, c.segment)
			p.right.Control(p.now)
			sent += uint64(c.datagrams)
		}
	}
	s := p.right.Stats().Decap
	balanced(t, "decap", s)
	if want := sent + 2; s.Received < want { // and the two messages of the session
		t.Errorf("%d datagrams were counted, want %d", s.Received, want)
	}
	p.atRight = nil
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	p.settle()
	if len(p.atRight) != 1 {
		t.Error("it no longer receives")
	}
}
