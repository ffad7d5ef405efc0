package reference

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// inOrder checks that packets came out as they went in. Their lengths are 60, 61, ...
func inOrder(t *testing.T, got [][]byte, want int) {
	t.Helper()
	for i, packet := range got {
		if len(packet) != 60+i {
			t.Fatalf("packet %d has %d bytes, want %d: a newer one overtook it", i, len(packet), 60+i)
		}
	}
	if len(got) != want {
		t.Fatalf("%d packets, want %d", len(got), want)
	}
}

// Packets that wait for a session leave before newer ones, also when the peer has confirmed the session and control has
// not run yet.
func TestWaitingPacketsLeaveFirst(t *testing.T) {
	t.Parallel()
	p, next := newSealedPair(t), 60
	send := func() {
		for range 3 {
			p.right.Encap(packetBetween(behindRight, behindLeft, next))
			next++
		}
	}
	send() // these wait: the right end does not know where the left one is
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.left.Control(p.now)
	p.right.Decap(leftAddr, p.toRight[0], 0) // the left one calls
	p.right.Control(p.now)
	p.left.Decap(rightAddr, p.toLeft[0], 0) // the right one answers
	p.toLeft, p.toRight = nil, nil
	p.left.Control(p.now)
	p.right.Decap(leftAddr, p.toRight[0], 0) // and the session is confirmed
	p.toRight = nil
	send()
	p.settle()
	send()
	p.settle()
	p.now = p.now.Add(6 * time.Second)
	p.settle()
	inOrder(t, p.atLeft, 9)
	if n := p.right.Stats().Handshakes.Initiations; n != 0 {
		t.Errorf("%d needless calls", n)
	}
	balanced(t, "encap", p.right.Stats().Encap)
}

// Newer packets wait while control sends those that have waited.
func TestNewerPacketsWaitForControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newSealedPair(t)
		for i := range 3 {
			p.left.Encap(packetBetween(behindLeft, behindRight, 60+i))
		}
		p.left.Control(p.now)
		p.right.Decap(leftAddr, p.toRight[0], 0)
		p.right.Control(p.now)
		p.left.Decap(rightAddr, p.toLeft[0], 0)
		p.toLeft, p.toRight = nil, nil
		blocked, goOn, sent := false, make(chan struct{}), p.left.conn.sendTo
		p.left.conn.sendTo = func(to netip.AddrPort, m []byte) {
			if kind, _ := wireguard.TypeOf(m); kind == wireguard.Data && !blocked {
				blocked = true
				<-goOn
			}
			sent(to, m)
		}
		go p.left.Control(p.now)
		synctest.Wait() // control is about to send the first packet
		go p.left.Encap(packetBetween(behindLeft, behindRight, 63), packetBetween(behindLeft, behindRight, 64))
		synctest.Wait()
		if n := len(p.toRight); n > 0 {
			t.Errorf("%d newer packets were sent first", n)
		}
		close(goOn)
		synctest.Wait()
		p.settle()
		inOrder(t, p.atRight, 5)
		balanced(t, "encap", p.left.Stats().Encap)
	})
}
