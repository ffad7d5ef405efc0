package wireguard

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

// The first packet waits for the handshake, and the responder sends only after the initiator has.
func TestFirstPacket(t *testing.T) {
	t.Parallel()
	for name, psk := range map[string]PresharedKey{"no preshared key": {}, "preshared key": {1, 2, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, func(l, r *PeerConfig) { l.Preshared, r.Preshared = psk, psk })
			n.send(n.left, numbered(7))
			if len(n.right.got) != 1 || !bytes.Equal(n.right.got[0], numbered(7)) {
				t.Fatalf("got %x", n.right.got)
			}
			n.send(n.right, numbered(8))
			if len(n.left.got) != 1 || n.left.device.Tally().Handshakes != 1 || n.right.device.Tally().Handshakes != 1 {
				t.Errorf("got %x; %+v", n.left.got, n.left.device.Tally())
			}
			if got := n.kinds(n.right, Initiation, n.now); len(got) > 0 {
				t.Errorf("the responder called: %v", got)
			}
		})
	}
}

// Different preshared keys: silence.
func TestOtherPresharedKey(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, func(l, r *PeerConfig) { l.Preshared[0], r.Preshared[0] = 1, 2 })
	n.send(n.left, numbered(1))
	n.run(20 * time.Second)
	if len(n.right.got) > 0 || n.left.device.Tally().Handshakes > 0 || n.left.device.Tally().Refused(RefusedSeal) == 0 {
		t.Errorf("%+v", n.left.device.Tally())
	}
}

// The times of section 6, one side of each limit and the other. wireguard-go's own are the same.
func TestTimers(t *testing.T) {
	t.Parallel()
	within := func(t *testing.T, name string, got []time.Duration, least, most time.Duration) {
		t.Helper()
		if len(got) == 0 || got[0] < least || got[0] > most {
			t.Errorf("%s: at %v, want the first from %v to %v", name, got, least, most)
		}
	}
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		n.lose = func(Send, *host) bool { return true }
		begin := n.now
		n.send(n.left, numbered(1))
		n.run(10 * time.Minute)
		calls := n.kinds(n.left, Initiation, begin)
		if len(calls) != 1+maxAttempts || calls[len(calls)-1] < 90*time.Second || calls[len(calls)-1] > 97*time.Second {
			t.Errorf("%d calls, the last at %v", len(calls), calls[len(calls)-1])
		}
		for i := 1; i < len(calls); i++ {
			if gap := calls[i] - calls[i-1]; gap < rekeyTimeout || gap > rekeyTimeout+maxJitter {
				t.Errorf("call %d comes %v after the one before", i, gap)
			}
		}
		if tally := n.left.device.Tally(); tally.Unsent != 1 {
			t.Errorf("%d packets given up, want 1", tally.Unsent)
		}
	})
	t.Run("data without an answer", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		n.send(n.left, numbered(1))
		n.run(30 * time.Second)
		n.lose = func(_ Send, from *host) bool { return from == n.right }
		begin := n.now
		n.send(n.left, numbered(2))
		n.run(30 * time.Second)
		within(t, "a call", n.kinds(n.left, Initiation, begin), 15*time.Second, 15*time.Second+maxJitter)
	})
	t.Run("data received", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		n.send(n.left, numbered(1))
		n.run(30 * time.Second)
		begin := n.now
		n.send(n.left, numbered(2))
		n.run(30 * time.Second)
		within(t, "a keepalive", n.kinds(n.right, Data, begin), keepaliveTimeout, keepaliveTimeout)
		if got := n.kinds(n.left, Data, begin.Add(time.Second)); len(got) > 0 {
			t.Errorf("a keepalive was answered: %v", got)
		}
	})
	t.Run("an old session", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		begin := n.now
		for i := range 130 {
			n.send(n.left, numbered(i))
			n.run(time.Second)
		}
		calls := n.kinds(n.left, Initiation, begin)
		if len(calls) != 2 {
			t.Fatalf("calls at %v", calls)
		}
		within(t, "a new session", calls[1:], rekeyAfterTime, rekeyAfterTime+time.Second)
		if len(n.right.got) != 130 {
			t.Errorf("%d of 130 packets", len(n.right.got))
		}
		if got := n.kinds(n.right, Initiation, begin); len(got) > 0 {
			t.Errorf("the responder called at %v", got)
		}
	})
	t.Run("a session that is not renewed", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		n.send(n.left, numbered(0))
		n.lose = func(s Send, _ *host) bool { return s.Datagram[0] != byte(Data) }
		for i := 1; i < 200; i++ {
			n.run(time.Second)
			n.send(n.left, numbered(i))
		}
		if got := len(n.right.got); got != 180 {
			t.Errorf("%d packets in 200 s, want 180", got)
		}
	})
	t.Run("erased", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, nil)
		n.send(n.left, numbered(0))
		n.lose = func(Send, *host) bool { return true }
		n.run(zeroAfter - time.Second)
		if n.right.device.Live() == 0 {
			t.Error("erased too early")
		}
		n.run(time.Minute)
		if l, r := n.left.device.Live(), n.right.device.Live(); l+r > 0 {
			t.Errorf("%d and %d indices are left", l, r)
		}
	})
	t.Run("persistent", func(t *testing.T) {
		t.Parallel()
		n := newNetwork(t, func(l, _ *PeerConfig) { l.Keepalive = 25 * time.Second })
		begin := n.now
		n.run(100 * time.Second)
		if got := n.kinds(n.left, Data, begin); len(got) != 5 { // the first confirms the session
			t.Errorf("keepalives at %v", got)
		}
	})
}

// Both begin at once and lose both handshakes: they find each other soon after.
func TestBothBegin(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	var waiting []Send
	for _, h := range []*host{n.left, n.right} {
		h.device.Reserve(n.now, h.peer, 1)
		h.device.Stage(n.now, h.peer, numbered(1))
		waiting = append(waiting, h.device.Tick(n.now)...)
	}
	n.carry(n.left, waiting[:1])
	n.carry(n.right, waiting[1:])
	n.run(12 * time.Second)
	for i := range 5 {
		n.send(n.left, numbered(10+i))
		n.send(n.right, numbered(10+i))
	}
	if len(n.left.got) < 5 || len(n.right.got) < 5 {
		t.Errorf("%d and %d packets", len(n.left.got), len(n.right.got))
	}
}

// An endpoint follows authentic messages, and nothing else.
func TestRoaming(t *testing.T) {
	t.Parallel()
	moved := netip.MustParseAddrPort("[2001:db8::1]:9")
	for name, fixed := range map[string]bool{"follows": false, "fixed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, func(_, r *PeerConfig) { r.Fixed = fixed })
			n.send(n.left, numbered(1))
			endpoint := func() netip.AddrPort { return n.right.device.States(n.now)[0].Endpoint }
			last := n.sent[len(n.sent)-1].Datagram
			n.right.receive(n.now, last, moved) // a replay
			forged := bytes.Clone(last)
			forged[len(forged)-1] ^= 1
			n.right.receive(n.now, forged, moved)
			if endpoint() != left {
				t.Errorf("a replay or a forgery moved the endpoint to %v", endpoint())
			}
			n.left.at = moved
			n.send(n.left, numbered(2))
			if want := map[bool]netip.AddrPort{false: moved, true: left}[fixed]; endpoint() != want {
				t.Errorf("at %v, want %v", endpoint(), want)
			}
		})
	}
}

// No counter is used twice or beyond the limit, and of a peer there are at most four indices.
func TestLimits(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.send(n.left, numbered(1))
	k := n.left.peer.current
	k.counter = rejectAfterMessages - 3
	if got, first, _ := n.left.device.Reserve(n.now, n.left.peer, 3); got != k || first != rejectAfterMessages-3 {
		t.Errorf("the last counters: %v, %d", got, first)
	}
	if got, _, _ := n.left.device.Reserve(n.now, n.left.peer, 1); got != nil {
		t.Error("a counter beyond the limit")
	}
	k.counter = rejectAfterMessages - 2
	if got, _, _ := n.left.device.Reserve(n.now, n.left.peer, 3); got != nil {
		t.Error("a run that crosses the limit")
	}
	for range 20 {
		n.run(6 * time.Second)
		n.left.device.mu.Lock()
		n.left.peer.timers.want(n.now, true)
		n.left.device.mu.Unlock()
		n.run(time.Second)
		if l, r := n.left.device.Live(), n.right.device.Live(); l > 4 || r > 4 {
			t.Fatalf("%d and %d indices", l, r)
		}
	}
}

// The newest 128 packets wait.
func TestStaged(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	for i := range 200 {
		n.left.device.Stage(n.now, n.left.peer, numbered(i))
	}
	n.send(n.left, numbered(200))
	if len(n.right.got) != maxStaged || !bytes.Equal(n.right.got[0], numbered(201-maxStaged)) {
		t.Errorf("%d packets, the first %x", len(n.right.got), n.right.got[0])
	}
	if tally := n.left.device.Tally(); tally.Unsent != 201-maxStaged {
		t.Errorf("%d unsent", tally.Unsent)
	}
}

func TestSetPeerRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t, 1, left)
	if _, err := h.device.SetPeer(time.Unix(0, 0), PeerConfig{Public: h.private.Public()}); err != ErrOwnKey {
		t.Errorf("its own key: %v", err)
	}
	if _, err := h.device.SetPeer(time.Unix(0, 0), PeerConfig{}); err != ErrWeakKey {
		t.Errorf("a key of low order: %v", err)
	}
}

// A peer that is removed is silent, and leaves nothing.
func TestRemovePeer(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.send(n.left, numbered(1))
	n.right.device.RemovePeer(n.left.private.Public())
	n.send(n.left, numbered(2))
	n.run(10 * time.Minute)
	if len(n.right.got) != 1 || n.right.device.Live() != 0 || len(n.right.device.States(n.now)) != 0 {
		t.Errorf("%d packets, %d indices", len(n.right.got), n.right.device.Live())
	}
	if n.right.device.Tally().Refused(RefusedStranger) == 0 {
		t.Errorf("%+v", n.right.device.Tally())
	}
}

// Sealing and opening allocate nothing.
func TestDataAllocatesNothing(t *testing.T) {
	n := newNetwork(t, nil)
	n.send(n.left, numbered(1))
	message := make([]byte, HeaderLen+1424+TagLen)
	indices, keys := make([]uint32, 1), make([]*Keypair, 0, 1)
	allocs := testing.AllocsPerRun(1000, func() {
		k, counter, _ := n.left.device.Reserve(n.now, n.left.peer, 1)
		k.Seal(message, counter)
		indices[0] = Index(message)
		r := n.right.device.Sessions(n.now, indices, keys[:0])[0]
		if _, err := r.Open(message); err != nil || r.Accept(counter) != nil {
			t.Fatal(err)
		}
		n.right.device.Received(n.now, r, left, true)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkSeal(b *testing.B) {
	for name, size := range map[string]int{"64": 64, "1424": 1424} {
		b.Run(name, func(b *testing.B) {
			n := newNetwork(&testing.T{}, nil)
			n.send(n.left, numbered(1))
			message := make([]byte, HeaderLen+size+TagLen)
			b.SetBytes(int64(size))
			for b.Loop() {
				k, counter, _ := n.left.device.Reserve(n.now, n.left.peer, 1)
				k.Seal(message, counter)
			}
		})
	}
}
