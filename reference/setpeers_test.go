package reference

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// plainPair is two plain ends; what the left one sends is kept by endpoint.
type plainPair struct {
	left, right *End
	sent        map[netip.AddrPort][][]byte
	atRight     [][]byte
}

func newPlainPair(t *testing.T) *plainPair {
	t.Helper()
	p := &plainPair{sent: map[netip.AddrPort][][]byte{}}
	end := func(at netip.AddrPort, peers []settings.Peer, got *[][]byte, send func(netip.AddrPort, []byte)) *End {
		cfg := settings.Defaults(settings.TUN)
		cfg.Dev, cfg.Listen, cfg.Peers = "tun0", at, peers
		e, err := NewEnd(cfg, 1, func(packet []byte) { *got = append(*got, bytes.Clone(packet)) }, send)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var atLeft [][]byte
	p.left = end(leftAddr, toRight(), &atLeft, func(to netip.AddrPort, m []byte) { p.sent[to] = append(p.sent[to], bytes.Clone(m)) })
	p.right = end(rightAddr, []settings.Peer{{ID: 7, Endpoint: leftAddr, Prefixes: of("10.1.0.0/16")}}, &p.atRight, func(netip.AddrPort, []byte) {})
	return p
}

// toRight returns the peers of the left end: the right one and others.
func toRight(others ...settings.Peer) []settings.Peer {
	return append([]settings.Peer{{ID: 7, Endpoint: rightAddr, Prefixes: of("10.2.0.0/16")}}, others...)
}

// A peer that stays loses no packet, and the sequence goes on, while others come and go, and also when the prefixes of
// it change.
func TestSetPeersKeepsThoseThatStay(t *testing.T) {
	t.Parallel()
	p := newPlainPair(t)
	spoke := settings.Peer{ID: 9, Endpoint: spokeAddr, Prefixes: of("10.3.0.0/16")}
	send := func() {
		p.left.Encap(packetBetween(behindLeft, behindRight, 60), packetBetween(behindLeft, behindSpoke, 60))
	}
	for i := range 100 {
		peers := toRight()
		if i%2 == 0 {
			peers = append([]settings.Peer{spoke}, toRight()...)
			peers[1].Prefixes = of("10.2.0.0/17", fmt.Sprintf("10.4.%d.0/24", i))
		}
		if err := p.left.SetPeers(peers); err != nil {
			t.Fatal(err)
		}
		send()
		if want := (i + 2) / 2; len(p.sent[spokeAddr]) != want {
			t.Fatalf("reload %d: %d packets went to the one that comes and goes, want %d", i, len(p.sent[spokeAddr]), want)
		}
	}
	for _, m := range p.sent[rightAddr] {
		p.right.Decap(leftAddr, m, 0)
	}
	if s := p.right.Stats(); len(p.atRight) != 100 || s.Decap.Drops.Sum() > 0 || s.Peers[0].Restarts > 0 {
		t.Errorf("%d of 100 packets arrived, %v", len(p.atRight), s)
	}
	if s := p.left.Stats(); s.Peers[0].SentPackets != 100 || len(s.Peers) != 1 {
		t.Errorf("%v", s)
	}
}

// What comes from a peer is taken while it is one, and from nobody else.
func TestSetPeersMovesTheSources(t *testing.T) {
	t.Parallel()
	p := newPlainPair(t)
	arrives := func(what string, from netip.AddrPort, sequence uint64, want bool) {
		t.Helper()
		before := p.left.Stats().Decap.Delivered
		p.left.Decap(from, datagram(7, sequence, packetBetween(behindRight, behindLeft, 60)), 0)
		if got := p.left.Stats().Decap.Delivered > before; got != want {
			t.Errorf("%s: delivered %v", what, got)
		}
	}
	moved := toRight()
	moved[0].Endpoint = spokeAddr
	arrives("before", rightAddr, 1, true)
	arrives("not yet", spokeAddr, 2, false)
	if err := p.left.SetPeers(moved); err != nil {
		t.Fatal(err)
	}
	arrives("no more", rightAddr, 3, false)
	arrives("moved", spokeAddr, 4, true)
}

func TestSetPeersRefuses(t *testing.T) {
	t.Parallel()
	p := newPlainPair(t)
	err := p.left.SetPeers(toRight(settings.Peer{ID: 7, Endpoint: spokeAddr, Prefixes: of("10.3.0.0/16")}))
	if err == nil || !strings.Contains(err.Error(), "peers[1].id: 7 is already the id of peers[0].id") {
		t.Errorf("%v", err)
	}
	if s := p.left.Stats(); len(s.Peers) != 1 {
		t.Errorf("changed to %v", s)
	}
	sealed := newSealedPair(t)
	if err := sealed.left.SetPeers([]settings.Peer{{ID: 1, Public: wireguard.PrivateKey{8, 9}.Public(), Prefixes: of("10.2.0.0/16")}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a sealed end: %v", err)
	}
}
