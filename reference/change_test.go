package reference

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// spoke is a third end, which the left one learns of while it runs.
type spoke struct {
	*End
	key      wireguard.PrivateKey
	out, got [][]byte
}

var spokeAddr, behindSpoke = netip.MustParseAddrPort("192.0.2.3:51820"), [4]byte{10, 3, 0, 1}

// withSpoke returns a pair and a spoke, and sends what the left end sends to where it belongs.
func withSpoke(t *testing.T) (*sealedPair, *spoke) {
	t.Helper()
	p, s := newSealedPair(t), &spoke{key: wireguard.PrivateKey{8, 3}}
	s.End = newSealedEnd(t, s.key, settings.Peer{ID: 1, Public: p.leftKey.Public(), Endpoint: leftAddr, Prefixes: of("10.1.0.0/16", "10.2.0.0/16")}, spokeAddr,
		&s.got, func(m []byte) { s.out = append(s.out, bytes.Clone(m)) })
	p.left.conn.sendTo = func(to netip.AddrPort, m []byte) {
		if to == spokeAddr {
			s.Decap(leftAddr, bytes.Clone(m), 0)
			return
		}
		p.toRight = append(p.toRight, bytes.Clone(m))
	}
	return p, s
}

// settleAll carries messages between the three until there are no more.
func (p *sealedPair) settleAll(s *spoke) {
	for range 10 {
		p.settle()
		s.Control(p.now)
		for _, m := range s.out {
			p.left.Decap(spokeAddr, m, 0)
		}
		s.out = nil
	}
}

func joins(s *spoke, prefixes ...string) roster.PeerChange {
	c := roster.PeerChange{Public: s.key.Public(), Endpoint: spokeAddr}
	for _, prefix := range of(prefixes...) {
		c.Prefixes = append(c.Prefixes, roster.PrefixChange{Prefix: prefix})
	}
	return c
}

func mustChange(t *testing.T, e *End, changes ...roster.PeerChange) {
	t.Helper()
	if err := e.Change(roster.Change{Peers: changes}); err != nil {
		t.Fatal(err)
	}
}

// A peer that joins gets packets; one that has left gets and brings none, and others do not notice.
func TestPeerJoinsAndLeaves(t *testing.T) {
	t.Parallel()
	p, s := withSpoke(t)
	ours, theirs := packetBetween(behindLeft, behindRight, 60), packetBetween(behindLeft, behindSpoke, 60)
	cross := func(what string, right, spoke int) {
		t.Helper()
		p.atRight, s.got = nil, nil
		p.left.Encap(ours, theirs, ours)
		p.settleAll(s)
		if len(p.atRight) != right || len(s.got) != spoke {
			t.Errorf("%s: %d at the right, %d at the spoke, want %d and %d", what, len(p.atRight), len(s.got), right, spoke)
		}
	}
	cross("before", 2, 0)
	mustChange(t, p.left, joins(s, "10.3.0.0/16"))
	cross("joined", 2, 1)
	s.Encap(packetBetween(behindSpoke, behindLeft, 60))
	p.settleAll(s)
	if len(p.atLeft) != 1 {
		t.Errorf("%d packets came from the spoke", len(p.atLeft))
	}
	state := p.left.State().Peers
	if len(state) != 2 || state[1].Sent != 60 || state[1].Received != 60 || !state[1].LastHandshake.Equal(p.now) || state[1].Endpoint != spokeAddr {
		t.Errorf("%+v", state)
	}
	if st := p.left.Stats().Peers; len(st) != 2 || st[1].ID != 2 || st[1].SentPackets != 1 {
		t.Errorf("%+v", st)
	}
	mustChange(t, p.left, roster.PeerChange{Public: s.key.Public(), Remove: true})
	cross("left", 2, 0)
	s.Encap(packetBetween(behindSpoke, behindLeft, 60))
	p.settleAll(s)
	if len(p.atLeft) != 1 || len(p.left.Stats().Peers) != 1 {
		t.Errorf("%d packets came from the spoke that has left; %v", len(p.atLeft), p.left.Stats())
	}
	balanced(t, "encap", p.left.Stats().Encap)
	balanced(t, "decap", p.left.Stats().Decap)
}

// A prefix that is given to another peer moves, and goes nowhere else when that one leaves.
func TestPrefixMoves(t *testing.T) {
	t.Parallel()
	p, s := withSpoke(t)
	prefixes := func() (all []string) {
		for _, peer := range p.left.State().Peers {
			all = append(all, fmt.Sprint(peer.Prefixes))
		}
		return all
	}
	right := p.rightKey.Public()
	for _, c := range []struct {
		name   string
		change roster.PeerChange
		want   string
	}{
		{"taken", joins(s, "10.2.0.0/16", "10.2.9.0/24"), "[[] [10.2.0.0/16 10.2.9.0/24]]"},
		{"taken back", roster.PeerChange{Public: right, Prefixes: []roster.PrefixChange{{Prefix: of("10.2.0.0/16")[0]}}}, "[[10.2.0.0/16] [10.2.9.0/24]]"},
		{"not its own", roster.PeerChange{Public: right, Prefixes: []roster.PrefixChange{{Prefix: of("10.2.9.0/24")[0], Remove: true}}}, "[[10.2.0.0/16] [10.2.9.0/24]]"},
		{"its own", roster.PeerChange{Public: right, Prefixes: []roster.PrefixChange{{Prefix: of("10.2.0.0/16")[0], Remove: true}}}, "[[] [10.2.9.0/24]]"},
		{"replaced", roster.PeerChange{Public: right, ReplacePrefixes: true, Prefixes: []roster.PrefixChange{{Prefix: of("10.4.0.0/16")[0]}, {Prefix: of("::/0")[0]}}}, "[[10.4.0.0/16 ::/0] [10.2.9.0/24]]"},
		{"of one that leaves", roster.PeerChange{Public: s.key.Public(), Remove: true}, "[[10.4.0.0/16 ::/0]]"},
		{"of nobody", roster.PeerChange{Public: s.key.Public(), UpdateOnly: true, Prefixes: []roster.PrefixChange{{Prefix: of("::/0")[0]}}}, "[[10.4.0.0/16 ::/0]]"},
	} {
		mustChange(t, p.left, c.change)
		if got := fmt.Sprint(prefixes()); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A change with anything wrong in it changes nothing.
func TestChangeIsWhole(t *testing.T) {
	t.Parallel()
	p, s := withSpoke(t)
	before := fmt.Sprintf("%+v", p.left.State())
	good := joins(s, "10.2.0.0/16")
	for name, c := range map[string]struct {
		bad  roster.PeerChange
		want string
	}{
		"a weak key":          {roster.PeerChange{Public: wireguard.PublicKey{1}}, wireguard.ErrWeakKey.Error()},
		"no key":              {roster.PeerChange{}, "want the peer's public key"},
		"another family":      {roster.PeerChange{Public: s.key.Public(), Endpoint: netip.MustParseAddrPort("[2001:db8::1]:1")}, "want the address family"},
		"port 0":              {roster.PeerChange{Public: s.key.Public(), Endpoint: netip.AddrPortFrom(spokeAddr.Addr(), 0)}, "want a port other than 0"},
		"its own address":     {roster.PeerChange{Public: s.key.Public(), Endpoint: leftAddr}, "is the listen address of this end"},
		"many hosts' address": {roster.PeerChange{Public: s.key.Public(), Endpoint: netip.MustParseAddrPort("224.0.0.1:1")}, "want one host's address"},
	} {
		err := p.left.Change(roster.Change{ReplacePeers: true, Peers: []roster.PeerChange{good, c.bad}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
		if after := fmt.Sprintf("%+v", p.left.State()); after != before {
			t.Errorf("%s: changed to %s", name, after)
		}
	}
	if err := newTestEnd(t).Change(roster.Change{}); err == nil {
		t.Error("a plain end is changed")
	}
}

// newTestEnd returns a plain end.
func newTestEnd(t *testing.T) *End {
	t.Helper()
	e, err := NewEnd(goodConfig(), 1, func([]byte) {}, func(netip.AddrPort, []byte) {})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A change of the preshared key leaves the session as it is; the next handshake needs it on both ends.
func TestPresharedKeyChanges(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	packet, crossed := packetBetween(behindLeft, behindRight, 60), 0
	send := func(what string, arrives bool) {
		t.Helper()
		if arrives {
			crossed++
		}
		p.left.Encap(packet)
		p.settle()
		if len(p.atRight) != crossed {
			t.Errorf("%s: %d packets so far, want %d", what, len(p.atRight), crossed)
		}
	}
	send("no key", true)
	psk := wireguard.PresharedKey{7}
	mustChange(t, p.left, roster.PeerChange{Public: p.rightKey.Public(), Preshared: &psk})
	send("changed on one side", true)
	p.now = p.now.Add(200 * time.Second)
	p.left.Control(p.now)
	p.right.Control(p.now)
	send("the session is over", false)
	mustChange(t, p.right, roster.PeerChange{Public: p.leftKey.Public(), Preshared: &psk})
	crossed++ // the packet that waits
	for range 2000 {
		p.now = p.now.Add(10 * time.Millisecond)
		p.settle()
	}
	send("changed on both sides", true)
}

// A keepalive that is switched on makes the end call at once.
func TestKeepaliveChanges(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.settle()
	if n := p.left.State().Peers[0]; !n.LastHandshake.IsZero() {
		t.Fatalf("%+v", n)
	}
	every := 25 * time.Second
	mustChange(t, p.left, roster.PeerChange{Public: p.rightKey.Public(), Keepalive: &every})
	p.settle()
	if n := p.left.State().Peers[0]; !n.LastHandshake.Equal(p.now) || n.Keepalive != every {
		t.Errorf("%+v", n)
	}
}

// A peer that is replaced by itself keeps its session: it sends on under it, with the next counter. The rest of it is
// as if it had joined.
func TestReplacedPeerStays(t *testing.T) {
	t.Parallel()
	p, s := withSpoke(t)
	every := 25 * time.Second
	mustChange(t, p.left, joins(s, "10.3.0.0/16"), roster.PeerChange{Public: p.rightKey.Public(), Keepalive: &every, Prefixes: []roster.PrefixChange{{Prefix: of("10.9.0.0/16")[0]}}})
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settleAll(s)
	before := p.left.State().Peers
	again := roster.PeerChange{Public: p.rightKey.Public(), ReplacePrefixes: true, Prefixes: []roster.PrefixChange{{Prefix: of("10.2.0.0/16")[0]}}}
	if err := p.left.Change(roster.Change{ReplacePeers: true, Peers: []roster.PeerChange{again, again}}); err != nil {
		t.Fatal(err)
	}
	after := p.left.State().Peers
	if len(after) != 1 || after[0].Sent != 60 || after[0].LastHandshake != before[0].LastHandshake || after[0].Endpoint != rightAddr ||
		after[0].Keepalive != 0 || fmt.Sprint(after[0].Prefixes) != "[10.2.0.0/16]" || after[0].ID != before[0].ID {
		t.Errorf("from %+v to %+v", before, after)
	}
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	if len(p.toRight) != 1 || wireguard.Counter(p.toRight[0]) != 1 { // after the packet that waited
		t.Errorf("sent %x", p.toRight)
	}
	p.settle()
	if len(p.atRight) != 2 {
		t.Errorf("%d packets, want 2", len(p.atRight))
	}
}

// One list of peers may go to all ends: an end leaves itself out, as WireGuard does.
func TestOwnKeyIsLeftOut(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	own := roster.PeerChange{Public: p.leftKey.Public(), Prefixes: []roster.PrefixChange{{Prefix: of("10.2.0.0/16")[0]}}}
	before := fmt.Sprintf("%+v", p.left.State())
	mustChange(t, p.left, own, roster.PeerChange{Public: p.leftKey.Public(), Remove: true})
	if after := fmt.Sprintf("%+v", p.left.State()); after != before {
		t.Errorf("from %s to %s", before, after)
	}
}

// A peer that is replaced by one with another preshared key begins anew.
func TestReplacedPeerBeginsAnew(t *testing.T) {
	t.Parallel()
	p := newSealedPair(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	psk := wireguard.PresharedKey{7}
	mustChange(t, p.right, roster.PeerChange{Public: p.leftKey.Public(), Preshared: &psk})
	again := roster.PeerChange{Public: p.rightKey.Public(), Preshared: &psk, Endpoint: rightAddr, Prefixes: []roster.PrefixChange{{Prefix: of("10.2.0.0/16")[0]}}}
	if err := p.left.Change(roster.Change{ReplacePeers: true, Peers: []roster.PeerChange{again, again}}); err != nil {
		t.Fatal(err)
	}
	if s := p.left.State().Peers; len(s) != 1 || s[0].Sent != 0 || !s[0].LastHandshake.IsZero() {
		t.Errorf("%+v", s)
	}
	p.now = p.now.Add(time.Second)
	p.left.Encap(packetBetween(behindLeft, behindRight, 61))
	p.settle()
	if len(p.atRight) != 2 {
		t.Errorf("%d packets, want 2", len(p.atRight))
	}
}

// Others' packets do not notice a change: none is lost or held up while peers join and leave.
func TestChangeWhilePacketsFlow(t *testing.T) {
	t.Parallel()
	p, s := withSpoke(t)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.settle()
	p.atRight = nil
	now, stop, ended := p.now, make(chan struct{}), make(chan struct{})
	var changes atomic.Int64
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, c := range []roster.PeerChange{joins(s, "10.3.0.0/16", "10.2.9.0/24"), {Public: s.key.Public(), Remove: true}} {
				if err := p.left.tunnel.sealed.roster.Change(now, roster.Change{Peers: []roster.PeerChange{c}}); err != nil {
					t.Error(err)
				}
				changes.Add(1)
			}
		}
	}()
	rounds := 0
	for ; rounds < 2000 || changes.Load() < 2 && !t.Failed(); rounds++ {
		p.left.Encap(packetBetween(behindLeft, behindRight, 60))
		p.right.Encap(packetBetween(behindRight, behindLeft, 60))
		p.right.Decap(leftAddr, p.toRight[0], 0)
		p.left.Decap(rightAddr, p.toLeft[0], 0)
		p.toRight, p.toLeft = p.toRight[:0], p.toLeft[:0]
	}
	close(stop)
	<-ended
	if len(p.atRight) != rounds || len(p.atLeft) != rounds {
		t.Errorf("%d and %d of %d packets, %d changes", len(p.atRight), len(p.atLeft), rounds, changes.Load())
	}
}
