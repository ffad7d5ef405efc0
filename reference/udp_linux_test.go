package reference

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// script is a sender that returns the scripted errors and otherwise accepts all datagrams.
type script struct {
	errs   []error // one for each call, nil for success; later calls succeed
	atMost int     // datagrams accepted in each call; 0: all
	failed int     // number of datagrams that an error is about
	took   []int   // sizes of the accepted datagrams
	calls  int
}

func (s *script) send(b *batch, from, to int) (int, int, error) {
	s.calls++
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		if err != nil {
			return 0, min(s.failed, to-from), err
		}
	}
	if s.atMost > 0 {
		to = min(to, from+s.atMost)
	}
	for _, d := range b.datagrams[from:to] {
		s.took = append(s.took, d.len())
	}
	return to - from, 0, nil
}

func TestTransmitterFallsBack(t *testing.T) {
	t.Parallel()
	sizes := []int{10, 20, 30, 40, 50}
	const eio, einval, emsgsize = syscall.EIO, syscall.EINVAL, syscall.EMSGSIZE
	const refused, again = syscall.ECONNREFUSED, syscall.EINTR
	cases := []struct {
		name           string
		fast, plain    script
		sent           int
		tookF, tookP   int // datagrams that each sender accepted
		segmentingLeft bool
	}{
		{"fine", script{}, script{}, 5, 5, 0, true},
		{"in parts", script{atMost: 2}, script{}, 5, 5, 0, true},
		{"EIO at once", script{errs: []error{eio}, failed: 5}, script{}, 5, 0, 5, false},
		{"EINVAL in the middle", script{atMost: 2, errs: []error{nil, einval}, failed: 3}, script{}, 5, 2, 3, false},
		{"a stale error", script{errs: []error{refused}, failed: 5}, script{}, 5, 5, 0, true},
		{"interrupted again and again", script{errs: []error{again, again, again}}, script{}, 5, 5, 0, true},
		{"run above the path MTU", script{errs: []error{emsgsize, emsgsize}, failed: 3}, script{}, 5, 2, 3, true},
		{"run above it, and a datagram too", script{errs: []error{emsgsize, emsgsize}, failed: 3}, script{errs: []error{emsgsize}, failed: 1}, 4, 2, 2, true},
		{"single one above it", script{errs: []error{emsgsize, emsgsize}, failed: 1}, script{}, 4, 4, 0, true},
		{"plain fails for one", script{errs: []error{eio}, failed: 5}, script{errs: []error{refused, refused}, failed: 1}, 4, 0, 4, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, frameBatch)
			fill(b, sizes...)
			tx := transmitter{fast: &c.fast, plain: &c.plain}
			sent := tx.transmit(b)
			if sent != c.sent || len(c.fast.took) != c.tookF || len(c.plain.took) != c.tookP || tx.segments() != c.segmentingLeft {
				t.Errorf("sent %d (%d segmenting, %d plain, segmenting left %v), want %d (%d, %d, %v)",
					sent, len(c.fast.took), len(c.plain.took), tx.segments(), c.sent, c.tookF, c.tookP, c.segmentingLeft)
			}
			all := append(c.fast.took, c.plain.took...)
			slices.Sort(all)
			if len(slices.Compact(all)) != sent {
				t.Errorf("a datagram was sent twice: %v", all)
			}
		})
	}
}

// TestSegmentationIsTriedAgain checks that a refusal is not for good, whatever the error, and that a kernel that
// keeps refusing is asked ever less often.
func TestSegmentationIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		refusals int
		batches  int // until the kernel is asked for the last time
	}{
		{"one refusal", 1, offload.MinPause}, {"two", 2, 3 * offload.MinPause}, {"many", 9, 64 + 128 + 256 + 512 + 1024 + 2048 + 3*4096},
	} {
		for _, refusal := range []error{syscall.EINVAL, syscall.EIO} {
			t.Run(c.name+" "+refusal.Error(), func(t *testing.T) {
				t.Parallel()
				fast := script{errs: slices.Repeat([]error{refusal}, c.refusals), failed: 3}
				var plain script
				tx := transmitter{fast: &fast, plain: &plain}
				for i := range c.batches + 1 {
					b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, frameBatch)
					fill(b, 30, 30, 30)
					if sent := tx.transmit(b); sent != 3 {
						t.Fatalf("batch %d: sent %d of 3", i, sent)
					}
				}
				if len(plain.took) != 3*c.batches || len(fast.took) != 3 || tx.Pause != 0 {
					t.Errorf("%d datagrams were sent singly and %d segmented, pause %d; want %d, 3 and 0", len(plain.took), len(fast.took), tx.Pause, 3*c.batches)
				}
			})
		}
	}
}

// TestSingleDatagramsShowNothing checks that datagrams that the kernel need not segment do not hide that it refuses
// segmentation.
func TestSingleDatagramsShowNothing(t *testing.T) {
	t.Parallel()
	fast, plain := script{errs: []error{syscall.EIO, nil, syscall.EIO}, failed: 3}, script{}
	tx := transmitter{fast: &fast, plain: &plain}
	send := func(sizes ...int) {
		b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, frameBatch)
		fill(b, sizes...)
		tx.transmit(b)
	}
	send(30, 30, 30)
	for range offload.MinPause {
		send(10, 20, 30)
	}
	send(30, 30, 30)
	if tx.Pause != 2*offload.MinPause {
		t.Errorf("a rest of %d batches after two refusals, want %d", tx.Pause, 2*offload.MinPause)
	}
}

func TestTransmitterEndsWhenNothingWorks(t *testing.T) {
	b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, frameBatch)
	fill(b, 10, 20, 30)
	always := slices.Repeat([]error{error(syscall.ENETUNREACH)}, 1000)
	tx := transmitter{plain: &script{errs: always, failed: 1}}
	if sent := tx.transmit(b); sent != 0 {
		t.Errorf("%d datagrams were sent without a usable sender", sent)
	}
}

// loopback opens a udpConn on 127.0.0.1 or ::1, and a plain socket as its peer.
func loopback(t *testing.T, host string, gso, gro bool) (*localConn, *net.UDPConn) {
	t.Helper()
	far, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	cfg := goodConfig()
	cfg.Listen, cfg.Peers = freePort(t, host), onePeer(far.LocalAddr().(*net.UDPAddr).AddrPort())
	cfg.GSO, cfg.GRO = gso, gro
	return openLocal(t, cfg), far
}

// onePeer returns one peer whose prefixes contain every address.
func onePeer(endpoint netip.AddrPort) []settings.Peer {
	return []settings.Peer{{ID: 7, Endpoint: endpoint, Prefixes: of("0.0.0.0/0", "::/0")}}
}

// localConn is a udpConn with its own address and its one peer.
type localConn struct {
	*udpConn
	local netip.AddrPort
	peers *peerTable
	in    receiver
}

func openLocal(t *testing.T, cfg settings.Config) *localConn {
	t.Helper()
	peers := newPeerTable(cfg, 1)
	c, err := openUDP(cfg, peers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return &localConn{c, cfg.Listen, peers, c.receiver()}
}

func (c *localConn) receive() ([]message, error) { return c.in.receive() }

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort()
}

// mixed returns a batch of runs, single datagrams and short last datagrams.
func mixed(p *peer) *batch {
	b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, frameBatch)
	for i, n := range []int{46, 46, 46, 30, 800, 801, 1400, 1400, 1400, 20, 46} {
		copy(b.next(), ipPacket(4, n))
		b.next()[1] = byte(i)
		b.commit(n)
	}
	for i, d := range b.datagrams {
		wire.PutHeader(b.slab[d.start:d.end], p.id, uint64(i))
		b.datagrams[i].peer, b.datagrams[i].to = p, p.endpoint
	}
	return b
}

func TestSocketSendsEveryDatagram(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, gso := range []bool{true, false} {
			c, far := loopback(t, host, gso, true)
			b := mixed(c.peers.all()[0])
			if sent := c.send(b); sent != b.len() {
				t.Errorf("%s gso=%v: sent %d of %d", host, gso, sent, b.len())
			}
			if c.out.segments() != gso {
				t.Errorf("%s gso=%v: segmenting is %v after sending", host, gso, c.out.segments())
			}
			checkArrival(t, far, b)
		}
	}
}

func checkArrival(t *testing.T, far *net.UDPConn, b *batch) {
	t.Helper()
	into := make([]byte, 2048)
	for i := range b.len() {
		far.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, err := far.Read(into)
		if err != nil || !bytes.Equal(into[:n], b.bytes(i, i+1)) {
			t.Fatalf("datagram %d: %d bytes, not the datagram that was sent (%v)", i, n, err)
		}
	}
}

// refusing is a sender that acts like a kernel without UDP_SEGMENT. It counts the attempts.
type refusing struct{ asked int }

func (r *refusing) send(b *batch, from, _ int) (int, int, error) {
	r.asked++
	return 0, b.run(from), syscall.EIO
}

func TestNothingIsLostWhenTheKernelRefuses(t *testing.T) {
	c, far := loopback(t, "127.0.0.1", true, true)
	kernel := &refusing{}
	c.out.fast = kernel
	for range 2 {
		b := mixed(c.peers.all()[0])
		if sent := c.send(b); sent != b.len() {
			t.Errorf("sent %d of %d", sent, b.len())
		}
		checkArrival(t, far, b)
	}
	if kernel.asked != 1 {
		t.Errorf("segmentation was tried %d times, want once", kernel.asked)
	}
}

func TestSendSurvivesAClosedPeer(t *testing.T) {
	c, far := loopback(t, "127.0.0.1", true, true)
	addr := far.LocalAddr().(*net.UDPAddr)
	far.Close()
	b := mixed(c.peers.all()[0])
	for range 3 { // each batch causes a "connection refused" for the next one
		if sent := c.send(b); sent != b.len() {
			t.Errorf("sent %d of %d to a closed port", sent, b.len())
		}
	}
	again, err := net.ListenUDP("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if sent := c.send(b); sent != b.len() {
		t.Errorf("sent %d of %d after the peer came back", sent, b.len())
	}
	checkArrival(t, again, b)
}

func TestReceiveTakesOnlyThePeers(t *testing.T) {
	for _, gro := range []bool{true, false} {
		c, far := loopback(t, "127.0.0.1", true, gro)
		local := net.UDPAddrFromAddrPort(c.local)
		unknown, err := net.DialUDP("udp", nil, local)
		if err != nil {
			t.Fatal(err)
		}
		defer unknown.Close()
		unknown.Write(datagram(7, 1, ipPacket(4, 46)))
		want := datagram(7, 2, ipPacket(4, 1400))
		if _, err := far.WriteToUDP(want, local); err != nil {
			t.Fatal(err)
		}
		got, err := c.receive()
		if err != nil || len(got) != 1 || got[0].from == nil || !bytes.Equal(got[0].data, want) {
			t.Errorf("gro=%v: received %d messages (%v), want the peer's alone", gro, len(got), err)
		}
	}
}

func TestReceiveMarksWhatIsTooLong(t *testing.T) {
	c, far := loopback(t, "127.0.0.1", true, false)
	if _, err := far.WriteToUDPAddrPort(make([]byte, 3000), c.local); err != nil {
		t.Fatal(err)
	}
	got, err := c.receive()
	if err != nil || len(got) != 1 || !got[0].truncated {
		t.Errorf("received %+v, %v; want one truncated message", got, err)
	}
}

func TestInterruptWakesReceive(t *testing.T) {
	c, _ := loopback(t, "127.0.0.1", true, true)
	done := make(chan error, 1)
	go func() {
		_, err := c.receive()
		done <- err
	}()
	if err := c.interrupt(); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, done); err != io.EOF {
		t.Errorf("receive returned %v, want EOF", err)
	}
}

func TestGROAndPlainReceiveTheSame(t *testing.T) {
	for _, gro := range []bool{true, false} {
		left, far := loopback(t, "127.0.0.1", true, gro)
		peer, local := far.LocalAddr().(*net.UDPAddr).AddrPort(), left.local
		far.Close()
		cfg := goodConfig()
		cfg.Listen, cfg.Peers = peer, onePeer(local)
		right := openLocal(t, cfg)
		b := mixed(right.peers.all()[0])
		right.send(b)
		d := decap{
			port: newMemoryPort(func([]byte) bool { return true }), conn: left, format: &plain{peers: left.peers, mtu: 1500},
			packets: make([][]byte, 0, deliverBatch),
		}
		in := d.newBatch()
		for d.counters.Load().Delivered < uint64(b.len()) {
			if err := once(direction[*rxBatch]{recv: d.recv, process: d.process, deliver: d.deliver}, in); err != nil {
				t.Fatal(err)
			}
			if s := d.counters.Load(); s.Drops.Sum() > 0 {
				t.Fatalf("gro=%v: %v", gro, s)
			}
		}
	}
}

func TestOpenUDPSaysWhatIsWrong(t *testing.T) {
	cfg := goodConfig()
	cfg.Listen = netip.MustParseAddrPort("203.0.113.77:7000") // not an address of this host
	if _, err := openUDP(cfg, newPeerTable(cfg, 1)); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("error %v, want EADDRNOTAVAIL", err)
	}
}
