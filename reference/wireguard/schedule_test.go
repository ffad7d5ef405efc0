package wireguard

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever data do to the deadlines, a peer is looked at when its first one comes, and peers that wait for
// nothing are not.
func TestScheduleFindsEachDeadline(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1e9, 0)
	var s schedule
	peers := make([]*Peer, 50)
	for i := range peers {
		peers[i] = &Peer{place: unplanned}
	}
	for range 20000 {
		now = now.Add(time.Duration(rng.IntN(300)) * time.Millisecond)
		p := peers[rng.IntN(len(peers))]
		switch rng.IntN(5) {
		case 0:
			p.timers.silence = now.Add(time.Duration(rng.IntN(15000)) * time.Millisecond)
		case 1:
			p.timers.silence = time.Time{}
		case 2:
			p.timers.zero = now.Add(time.Duration(rng.IntN(540)) * time.Second)
		case 3:
			p.timers.initiate = now
		case 4:
			s.remove(p)
			p.timers = timers{}
		}
		s.plan(p)
		first := time.Time{}
		for _, p := range peers {
			first = earliest(first, p.timers.next())
		}
		if !first.IsZero() && (s.next().IsZero() || s.next().After(first)) {
			t.Fatalf("the first deadline is %v, but the schedule wakes at %v", first, s.next())
		}
		taken := s.take(now)
		for _, p := range peers {
			if due(p.timers.next(), now) != (slices.Contains(taken, p) && due(p.timers.next(), now)) {
				t.Fatalf("a peer that was due at %v was not taken at %v", p.timers.next(), now)
			}
			if slices.Contains(taken, p) {
				p.timers = timers{} // Tick has done what was due
			}
		}
	}
}

// A tick looks only at peers that are due, so that those that never answer cost the others nothing.
func TestTickLeavesIdlePeersAlone(t *testing.T) {
	n := newNetwork(t, nil)
	for i := range 100 {
		other := PrivateKey{8, byte(i), 1}
		n.left.device.SetPeer(n.now, PeerConfig{Public: other.Public(), Endpoint: right})
	}
	if !n.left.device.Next().IsZero() {
		t.Errorf("peers that nobody called are planned for %v", n.left.device.Next())
	}
	n.left.device.Stage(n.now, n.left.peer, numbered(1))
	n.left.device.Reserve(n.now, n.left.peer, 1)
	if got := len(n.left.device.plan); got != 1 {
		t.Errorf("%d peers are planned, want the one that was called", got)
	}
}

// A row of packets to a peer that does not answer asks for a tick once, and allocates nothing once 128 wait.
func TestStageForASilentPeer(t *testing.T) {
	n := newNetwork(t, nil)
	d, p := n.left.device, n.left.peer
	packet := numbered(1)
	stage := func() bool {
		keys, _, _ := d.Reserve(n.now, p, 1)
		return keys == nil && d.Stage(n.now, p, packet)
	}
	if !stage() {
		t.Error("the first packet does not begin a handshake")
	}
	d.Tick(n.now)
	for range maxStaged {
		if stage() {
			t.Fatal("a tick is asked for while an answer is awaited")
		}
	}
	if allocs := testing.AllocsPerRun(1000, func() { stage() }); allocs != 0 {
		t.Errorf("%v allocations for a packet that waits", allocs)
	}
	n.now = n.now.Add(6 * time.Second)
	d.Tick(n.now)
	if got := d.Tally().Initiations; got != 2 {
		t.Errorf("%d initiations after 6 s, want 2", got)
	}
}

func TestStagedKeepsTheNewestInOrder(t *testing.T) {
	for _, count := range []int{0, 1, maxStaged - 1, maxStaged, maxStaged + 1, 3*maxStaged + 17} {
		var s staged
		dropped := 0
		for i := range count {
			if s.add([]byte{byte(i), byte(i >> 8)}) {
				dropped++
			}
		}
		if want := max(0, count-maxStaged); dropped != want {
			t.Errorf("of %d packets %d were dropped, want %d", count, dropped, want)
		}
		packets := s.take()
		for i, packet := range packets {
			if at := count - len(packets) + i; int(packet[0])|int(packet[1])<<8 != at {
				t.Fatalf("of %d packets, place %d has %v", count, i, packet)
			}
		}
		if len(packets) != min(count, maxStaged) || s.len() != 0 {
			t.Errorf("of %d packets %d came back, %d stayed", count, len(packets), s.len())
		}
	}
}

// BenchmarkDeadPeer is a batch of packets to a peer that does not answer, on a device with many peers.
func BenchmarkDeadPeer(b *testing.B) {
	for _, peers := range []int{1, 1000} {
		b.Run(map[int]string{1: "1", 1000: "1000"}[peers], func(b *testing.B) {
			now := time.Unix(1e9, 0)
			d, err := New(Config{Private: PrivateKey{8, 1}, MTU: 1420, Random: newSeeded(1)})
			if err != nil {
				b.Fatal(err)
			}
			var p *Peer
			for i := range peers {
				key := PrivateKey{8, byte(i), byte(i >> 8), 7}
				if p, err = d.SetPeer(now, PeerConfig{Public: key.Public(), Endpoint: right}); err != nil {
					b.Fatal(err)
				}
			}
			packet := make([]byte, 100)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Microsecond)
				d.Reserve(now, p, 1)
				if d.Stage(now, p, packet) {
					d.Tick(now)
				}
			}
		})
	}
}
