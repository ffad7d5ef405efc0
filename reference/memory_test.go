package reference

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

func TestBatchDoesNotAllocate(t *testing.T) {
	delivered := 0
	tunnel, p, c := testTunnel(func([]byte) bool { delivered++; return true })
	small, large := ipPacket(4, 46), ipPacket(6, 1500)
	out, in := tunnel.outbound(), tunnel.inbound()
	outbound, inbound := out.make(), in.make()
	runs := 0
	allocations := testing.AllocsPerRun(200, func() {
		runs++
		for i := range frameBatch {
			if i%16 < 8 {
				p.in <- small
			} else {
				p.in <- large
			}
		}
		if err := once(out, outbound); err != nil {
			t.Fatal(err)
		}
		for len(c.wire) > 0 {
			if err := once(in, inbound); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocations != 0 {
		t.Errorf("a batch through encap and decap allocates %v times", allocations)
	}
	if delivered != runs*frameBatch {
		t.Errorf("%d of %d packets delivered", delivered, runs*frameBatch)
	}
}

// TestPoolDoesNotAllocate counts the allocations of all goroutines of the pool.
func TestPoolDoesNotAllocate(t *testing.T) {
	arrived := make(chan struct{}, 4*frameBatch)
	tunnel, p, _ := testTunnel(func([]byte) bool { arrived <- struct{}{}; return true })
	tunnel.cfg.Engine, tunnel.cfg.Workers = settings.Pool, 3
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(ctx) }()
	small := ipPacket(4, 46)
	allocations := testing.AllocsPerRun(200, func() {
		for range frameBatch {
			p.in <- small
		}
		for range frameBatch {
			<-arrived
		}
	})
	cancel()
	if err := wait(t, done); err != nil {
		t.Error(err)
	}
	if perPacket := allocations / frameBatch; perPacket >= 0.01 {
		t.Errorf("a packet through encap and decap allocates %v times", perPacket)
	}
}

// TestPoolKeepsTheOrder checks that every packet is delivered once and in order, even if a later batch is
// processed first.
func TestPoolKeepsTheOrder(t *testing.T) {
	const packets = 20000
	next, wrong := uint32(0), 0
	all := make(chan struct{})
	tunnel, p, _ := testTunnel(func(out []byte) bool {
		if binary.BigEndian.Uint32(out[20:]) != next {
			wrong++
		}
		if next++; next == packets {
			close(all)
		}
		return true
	})
	tunnel.cfg.Engine, tunnel.cfg.Workers = settings.Pool, 4
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(ctx) }()
	for i := range uint32(packets) {
		out := ipPacket(4, 46+int(i%1000))
		binary.BigEndian.PutUint32(out[20:], i)
		p.in <- out
	}
	<-all
	cancel()
	if err := wait(t, done); err != nil || wrong > 0 {
		t.Errorf("%d packets out of order; %v", wrong, err)
	}
	if s := tunnel.Stats(); s.Decap.Drops.Sum()+s.Encap.Drops.Sum() > 0 {
		t.Errorf("encap %v, decap %v", s.Encap, s.Decap)
	}
}

func TestEncapCountsEachPacketOnce(t *testing.T) {
	tunnel, p, c := testTunnel(nil)
	for _, in := range [][]byte{
		ipPacket(4, 46), ipPacket(4, 1500), ipPacket(4, 1501), ipPacket(4, 3000), ipPacket(5, 46), nil, ipPacket(4, 46),
	} {
		p.in <- in
	}
	if err := once(tunnel.outbound(), newBatch(layout{head: wire.HeaderLen, mtu: settings.DefaultMTU}, frameBatch)); err != nil {
		t.Fatal(err)
	}
	got := tunnel.Stats().Encap
	want := stats.Direction{Received: 7, Delivered: 3, Batches: 1}
	want.Drops[stats.DropOversize], want.Drops[stats.DropInner] = 2, 2
	if got != want || c.sent != 3 {
		t.Errorf("encap %v, %d sent; want %v", got, c.sent, want)
	}
}

// stubConn accepts a limited number of datagrams of a batch.
type stubConn struct {
	memoryConn
	takes int
}

func (c *stubConn) send(b *batch) int {
	for i := c.takes; i < b.len(); i++ {
		b.datagrams[i].refused = true
	}
	return min(c.takes, b.len())
}

func TestEncapCountsWhatTheSocketRefuses(t *testing.T) {
	cfg := goodConfig()
	p := newMemoryPort(nil)
	tunnel := mustTunnel(cfg, p, &stubConn{takes: 2})
	for range 5 {
		p.in <- ipPacket(4, 46)
	}
	if err := once(tunnel.outbound(), newBatch(layout{head: wire.HeaderLen, mtu: settings.DefaultMTU}, frameBatch)); err != nil {
		t.Fatal(err)
	}
	if got := tunnel.Stats().Encap; got.Delivered != 2 || got.Drops[stats.DropSend] != 3 {
		t.Errorf("encap %v, want 2 delivered and 3 send drops", got)
	}
	if p := tunnel.Stats().Peers[0]; p.SentPackets != 2 || p.SentOctets != 2*46 {
		t.Errorf("%d packets are counted as sent to the peer, want the 2 accepted ones", p.SentPackets)
	}
	balanced(t, "encap", tunnel.Stats().Encap)
}

// feed runs one decap batch with the given messages.
func feed(d *decap, arrivals ...message) {
	in := d.newBatch()
	in.messages = arrivals
	d.process(in)
	d.deliver(in)
}

func TestDecapCountsEachDatagramOnce(t *testing.T) {
	const tunnel = 7
	tun, _, c := testTunnel(func(p []byte) bool { return p[0]>>4 == 4 })
	ours, theirs := tun.peers.all()[0].endpoint, tun.peers.all()[1].endpoint
	good := func(sequence uint64) []byte { return datagram(tunnel, sequence, ipPacket(4, 46)) }
	bad := good(1 << 63)
	bad[12] ^= 1 // the checksum
	row := bytes.Join([][]byte{good(10), good(11), good(12)[:30]}, nil)
	cases := []struct {
		name string
		in   message
		want map[stats.Drop]uint64
	}{
		{"good", message{data: good(20000), from: ours}, map[stats.Drop]uint64{stats.DropNone: 1}},
		{"again", message{data: good(20000), from: ours}, map[stats.Drop]uint64{stats.DropReplay: 1}},
		{"old", message{data: good(20000 - wire.WindowSize - 1), from: ours}, map[stats.Drop]uint64{stats.DropOld: 1}},
		{"forged ahead", message{data: bad, from: ours}, map[stats.Drop]uint64{stats.DropChecksum: 1}},
		{"window did not move", message{data: good(20001), from: ours}, map[stats.Drop]uint64{stats.DropNone: 1}},
		{"unknown source", message{data: good(20002)}, map[stats.Drop]uint64{stats.DropPeer: 1}},
		{"unknown source, a row", message{data: row, segment: len(good(0))}, map[stats.Drop]uint64{stats.DropPeer: 3}},
		{"nobody's tunnel", message{data: datagram(9, 1, ipPacket(4, 46)), from: ours}, map[stats.Drop]uint64{stats.DropTunnel: 1}},
		{"control frame", message{data: datagram(wire.ControlTunnel, 1, ipPacket(4, 46)), from: ours}, map[stats.Drop]uint64{stats.DropTunnel: 1}},
		{"no packet", message{data: datagram(tunnel, 30000, nil), from: ours}, map[stats.Drop]uint64{stats.DropInner: 1}},
		{"version 5", message{data: datagram(tunnel, 30000, ipPacket(5, 40)), from: ours}, map[stats.Drop]uint64{stats.DropInner: 1}},
		{"short IPv4", message{data: datagram(tunnel, 30000, ipPacket(4, 20-1)), from: ours}, map[stats.Drop]uint64{stats.DropInner: 1}},
		{"short IPv6", message{data: datagram(tunnel, 30000, ipPacket(6, 40-1)), from: ours}, map[stats.Drop]uint64{stats.DropInner: 1}},
		{"another peer's tunnel", message{data: datagram(8, 1, ipPacket(4, 46)), from: ours}, map[stats.Drop]uint64{stats.DropTunnel: 1}},
		{"another peer's source", message{data: datagram(8, 1, ipPacket(4, 46)), from: theirs}, map[stats.Drop]uint64{stats.DropSource: 1}},
		{"empty", message{from: ours}, map[stats.Drop]uint64{stats.DropShort: 1}},
		{"oversize", message{data: datagram(tunnel, 1, ipPacket(4, 1501)), from: ours}, map[stats.Drop]uint64{stats.DropOversize: 1}},
		{"truncated", message{data: good(20003), truncated: true, from: ours}, map[stats.Drop]uint64{stats.DropOversize: 1}},
		{"old row with a cut end", message{data: row, segment: len(good(0)), from: ours}, map[stats.Drop]uint64{stats.DropOld: 2, stats.DropLength: 1}},
		{"segment longer than data", message{data: good(20004), segment: 9000, from: ours}, map[stats.Drop]uint64{stats.DropNone: 1}},
		{"negative segment", message{data: good(20005), segment: -1, from: ours}, map[stats.Drop]uint64{stats.DropNone: 1}},
		{"refused by the port", message{data: datagram(tunnel, 20006, ipPacket(6, 46)), from: ours}, map[stats.Drop]uint64{stats.DropPort: 1}},
	}
	for _, cs := range cases {
		t.Run(cs.name, func(t *testing.T) {
			before := tun.Stats().Decap
			feed(&tun.decap, cs.in)
			after := tun.Stats().Decap
			balanced(t, cs.name, after)
			for drop := range stats.NumDrops {
				got := after.Drops[drop] - before.Drops[drop]
				if drop == stats.DropNone {
					got = after.Delivered - before.Delivered
				}
				if got != cs.want[drop] {
					t.Errorf("%d counted as %v, want %d", got, drop, cs.want[drop])
				}
			}
		})
	}
	if c.sent != 0 {
		t.Errorf("%d datagrams were sent in response", c.sent)
	}
}

func TestDecapBalancesOnRubbish(t *testing.T) {
	tun, _, _ := testTunnel(func(p []byte) bool { return p[len(p)-1]%2 == 0 })
	rng := rand.New(rand.NewPCG(4, 5))
	datagrams := uint64(0)
	for i := range 20000 {
		data := datagram(7, uint64(i)*3, ipPacket(4, rng.IntN(120)))
		for len(data) < 2000 && rng.IntN(3) > 0 {
			data = append(data, data...)
		}
		if rng.IntN(4) == 0 {
			data[rng.IntN(len(data))] ^= byte(rng.Uint32())
		}
		a := message{data: data, segment: rng.IntN(300) - 5, truncated: rng.IntN(50) == 0}
		if rng.IntN(9) > 0 {
			a.from = tun.peers.all()[0].endpoint
		}
		size := a.segment
		if size <= 0 {
			size = len(data)
		}
		datagrams += uint64((len(data) + size - 1) / size)
		feed(&tun.decap, a)
	}
	got := tun.Stats().Decap
	balanced(t, "decap", got)
	if got.Received != datagrams || got.Delivered == 0 {
		t.Errorf("decap %v, want %d received and some delivered", got, datagrams)
	}
}

func TestRunCarriesAndStops(t *testing.T) {
	out := make(chan int, 1)
	tunnel, p, _ := testTunnel(func(packet []byte) bool { out <- len(packet); return true })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(ctx) }()
	p.in <- ipPacket(4, 77)
	if n := <-out; n != 77 {
		t.Errorf("a packet of 77 bytes was delivered with %d", n)
	}
	cancel()
	if err := wait(t, done); err != nil {
		t.Errorf("stopped with %v, want nil", err)
	}
	if s := tunnel.Stats(); s.Encap.Delivered != 1 || s.Decap.Delivered != 1 {
		t.Errorf("encap %v, decap %v; want one delivered each", s.Encap, s.Decap)
	}
}

// slowToInterrupt is an underlay whose first interrupt takes a while.
type slowToInterrupt struct {
	conn
	calls atomic.Int32
	begun chan struct{}
	goOn  chan struct{}
}

func (c *slowToInterrupt) interrupt() error {
	if c.calls.Add(1) == 1 {
		close(c.begun)
		<-c.goOn
	}
	return c.conn.interrupt()
}

// TestRunWaitsForItsInterrupt checks that nothing uses the port and the socket after Run, when they may be closed.
func TestRunWaitsForItsInterrupt(t *testing.T) {
	tunnel, _, _ := testTunnel(nil)
	slow := &slowToInterrupt{conn: tunnel.conn, begun: make(chan struct{}), goOn: make(chan struct{})}
	tunnel.conn = slow
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(ctx) }()
	cancel()
	<-slow.begun
	select {
	case <-done:
		t.Fatal("Run ended before its interrupt")
	case <-time.After(50 * time.Millisecond):
	}
	close(slow.goOn)
	if err := wait(t, done); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWhenOneDirectionFails(t *testing.T) {
	tunnel, p, _ := testTunnel(nil)
	p.fail = errors.New("device is gone")
	close(p.in)
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(t.Context()) }()
	if err := wait(t, done); !errors.Is(err, p.fail) {
		t.Errorf("stopped with %v, want %v", err, p.fail)
	}
}

func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the tunnel did not stop")
		return nil
	}
}

func balanced(t *testing.T, name string, d stats.Direction) {
	t.Helper()
	if d.Received != d.Delivered+d.Control+d.Drops.Sum() {
		t.Errorf("%s does not balance: %v", name, d)
	}
}

func BenchmarkBatchThereAndBack(b *testing.B) {
	tunnel, p, c := testTunnel(func([]byte) bool { return true })
	small := ipPacket(4, 46)
	out, in := tunnel.outbound(), tunnel.inbound()
	outbound, inbound := out.make(), in.make()
	b.ReportAllocs()
	for b.Loop() {
		for range frameBatch {
			p.in <- small
		}
		if err := once(out, outbound); err != nil {
			b.Fatal(err)
		}
		for len(c.wire) > 0 {
			if err := once(in, inbound); err != nil {
				b.Fatal(err)
			}
		}
	}
}
