package loadgen

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// openWire is the engine at both ends of a cable.
func openWire(t testing.TB, maxFrames uint64) *XDP {
	t.Helper()
	testenv.NetAdmin(t)
	n, err := netns.Build(context.Background(), netns.Wire(netns.Plan{LANMTU: 3000}), netns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, n.Close) })
	cpus, err := netns.AllowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	cfg := EngineConfig{Tester: cpus[0], DUT: cpus[1:], MaxFrames: maxFrames}
	for i, name := range []string{netns.Port0, netns.Port1} {
		cfg.Ports[i].Enter = n.NS(netns.Tester).Do
		err := n.NS(netns.Tester).Do(func() error {
			dev, err := net.InterfaceByName(name)
			if err == nil {
				cfg.Ports[i].Index = dev.Index
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	x, err := NewXDP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, x.Close) })
	return x
}

func mustClose(t testing.TB, closer func() error) {
	if err := closer(); err != nil {
		t.Error(err)
	}
}

func wirePlan() Plan {
	p := goodPlan()
	p.Streams[0].From.MAC, p.Streams[0].NextHop = netns.Port0MAC[:], netns.Port1MAC[:]
	return p
}

// sendOne has the sender write one frame onto a page full of rubbish.
func sendOne(t *testing.T, x *XDP, octets int) []byte {
	t.Helper()
	page := bytes.Repeat([]byte{0xAA}, octets)
	out := make([]byte, octets+64)
	run := &ebpf.RunOptions{Data: page, DataOut: out}
	if _, err := x.objects.Send.Run(run); err != nil {
		t.Fatal(err)
	}
	return run.DataOut
}

func TestSenderWritesWholeFrames(t *testing.T) {
	x := openWire(t, 1<<16)
	for _, size := range []rfc2544.FrameSize{64, 65, 67, 72, 128, 1518, 3000} {
		for _, flows := range []int{1, 500} {
			p := wirePlan()
			p.Size, p.Flows, p.Rate = size, flows, MaxRate
			if err := x.prepare(p); err != nil {
				t.Fatal(err)
			}
			for sequence := range uint32(3) {
				time.Sleep(time.Microsecond) // until it is due, at 20 million a second
				checkFrame(t, sendOne(t, x, size.OnVeth()), uint16(x.trial), sequence)
			}
		}
	}
}

// checkFrame checks every octet of a frame, checksums by a second opinion.
func checkFrame(t *testing.T, frame []byte, trial uint16, sequence uint32) {
	t.Helper()
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	udp, ok := p.TransportLayer().(*layers.UDP)
	if !ok {
		t.Fatalf("%d octets: no UDP frame: %v", len(frame), p)
	}
	if err := udp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	for _, layer := range p.Layers() {
		sum, ok := layer.(gopacket.LayerWithChecksum)
		if !ok {
			continue
		}
		if err, got := sum.VerifyChecksum(); err != nil || !got.Valid {
			t.Errorf("%d octets: %v checksum %#x, want %#x (%v)", len(frame), layer.LayerType(), got.Actual, got.Correct, err)
		}
	}
	s, err := ParseSignature(udp.Payload)
	if err != nil || s.Trial != trial || s.Sequence != sequence || s.Stream != 0 {
		t.Errorf("%d octets: signature %+v, %v, want trial %d, sequence %d", len(frame), s, err, trial, sequence)
	}
	if age := sys.Monotonic() - s.SentAt; age > uint64(time.Minute) {
		t.Errorf("%d octets: stamped %v ago", len(frame), time.Duration(age))
	}
	for i, b := range udp.Payload[SignatureLen:] {
		if b != byte(i+SignatureLen) {
			t.Fatalf("%d octets: payload octet %d is %#x", len(frame), i+SignatureLen, b)
		}
	}
}

// hand gives a frame to the receiver of stream 0.
func hand(t *testing.T, x *XDP, frame []byte) {
	t.Helper()
	if _, err := x.objects.Receive0.Run(&ebpf.RunOptions{Data: frame}); err != nil {
		t.Fatal(err)
	}
}

// frameOf is a frame as the sender would have written it.
func frameOf(t *testing.T, p Plan, s Signature) []byte {
	t.Helper()
	frame, err := p.Streams[0].template(p.Size.OnVeth(), 0, int(s.Trial))
	if err != nil {
		t.Fatal(err)
	}
	s.Put(frame[offPayload:])
	return frame
}

func TestReceiverBooksEveryFrameOnce(t *testing.T) {
	x := openWire(t, 1<<16)
	p := wirePlan()
	p.Size = 200
	if err := x.prepare(p); err != nil {
		t.Fatal(err)
	}
	good := func(sequence uint32) []byte {
		return frameOf(t, p, Signature{Trial: x.trial, Sequence: sequence, SentAt: sys.Monotonic()})
	}
	damaged := func(at int) []byte {
		frame := good(50)
		frame[at] ^= 1
		return frame
	}
	late := frameOf(t, p, Signature{Trial: x.trial, Sequence: 60, SentAt: sys.Monotonic() - uint64(p.Late) - 1e6})
	future := frameOf(t, p, Signature{Trial: x.trial, Sequence: 61, SentAt: sys.Monotonic() + uint64(time.Hour)})
	beyond := frameOf(t, p, Signature{Trial: x.trial, Sequence: uint32(p.Rate.Frames(p.Duration)), SentAt: sys.Monotonic()})
	frames := [][]byte{
		good(0), good(1), good(3), good(2), // 2 is reordered
		good(2), good(0), // duplicated
		good(64), good(63), good(10), // 63 and 10 are reordered
		late, // late, and distinct
		frameOf(t, p, Signature{Trial: x.trial - 1, Sequence: 5, SentAt: sys.Monotonic()}),        // stale
		frameOf(t, p, Signature{Trial: x.trial, Stream: 1, Sequence: 5, SentAt: sys.Monotonic()}), // of the other stream
		bytes.Repeat([]byte{7}, 100),                                                               // foreign
		make([]byte, 14),                                                                           // foreign, and short
		damaged(offPayload + offSentAt), damaged(offPayload + offCheck), damaged(len(good(0)) - 1), // corrupted
		damaged(offPayload + SignatureLen), damaged(offPayload + 90), good(51)[:190], // corrupted
		future, beyond, // corrupted: nobody sent these
	}
	for _, frame := range frames {
		hand(t, x, frame)
	}
	l, err := x.ledger(p)
	if err != nil {
		t.Fatal(err)
	}
	got := l.Streams[0]
	want := StreamLedger{Received: 7, Late: 1, Duplicated: 2, Reordered: 4, Corrupted: 8, Stale: 1, Foreign: 3}
	if got.Received != want.Received || got.Late != want.Late || got.Duplicated != want.Duplicated || got.Reordered != want.Reordered ||
		got.Corrupted != want.Corrupted || got.Stale != want.Stale || got.Foreign != want.Foreign {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Latency.N != 8 {
		t.Errorf("latency of %d frames, want all 8 distinct ones", got.Latency.N)
	}
}

// The histogram of the kernel's half is the one of this half.
func TestKernelHistogram(t *testing.T) {
	x := openWire(t, 1<<16)
	p := wirePlan()
	p.Late = 20 * time.Second
	if err := x.prepare(p); err != nil {
		t.Fatal(err)
	}
	const step = 1.37
	sequence, least := uint32(0), uint64(0)
	for age := float64(time.Millisecond); age < float64(10*time.Second); age *= step {
		hand(t, x, frameOf(t, p, Signature{Trial: x.trial, Sequence: sequence, SentAt: sys.Monotonic() - uint64(age)}))
		sequence++
		least = max(least, uint64(age))
	}
	var counts [2][2][buckets]uint32
	var extremes [2][2]bpf.TesterExtremes
	if err := x.objects.Latency.Get(&counts); err != nil {
		t.Fatal(err)
	}
	if err := x.objects.LatencyExtremes.Get(&extremes); err != nil {
		t.Fatal(err)
	}
	var n uint32
	for _, c := range counts[0][0] {
		n += c
	}
	if e := extremes[0][0]; n != sequence || e.Min < uint64(time.Millisecond) || e.Max < least {
		t.Errorf("%d of %d counted, from %d to %d, want from 1 ms to at least %d", n, sequence, e.Min, e.Max, least)
	}
	if top := bucketOf(extremes[0][0].Max); counts[0][0][top] == 0 {
		t.Errorf("the largest value's bucket %d is empty: the halves count differently", top)
	}
	if low := bucketOf(extremes[0][0].Min); counts[0][0][low] == 0 {
		t.Errorf("the smallest value's bucket %d is empty: the halves count differently", low)
	}
}

func TestWireLosesNothing(t *testing.T) {
	x := openWire(t, 1<<20)
	for name, change := range map[string]func(*Plan){
		"paced":        func(*Plan) {},
		"fast":         func(p *Plan) { p.Rate = 1e6 },
		"flood":        func(p *Plan) { p.Rate = rfc2544.Flood },
		"1518 octets":  func(p *Plan) { p.Size = 1518 },
		"many flows":   func(p *Plan) { p.Flows = MaxFlows },
		"reverse":      func(p *Plan) { *p = reversed(*p) },
		"both at once": func(p *Plan) { p.Streams = append(p.Streams, reversed(*p).Streams[0]) },
	} {
		p := wirePlan()
		change(&p)
		l, err := x.Run(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, s := range l.Streams {
			if s.Offered == 0 || s.Received+s.Late != s.Offered || s.Duplicated+s.Reordered+s.Corrupted+s.Stale+s.Foreign != 0 {
				t.Errorf("%s, stream %d: %+v", name, i, s)
			}
			if !p.Rate.IsFlood() && s.Intended != p.Rate.Frames(p.Duration) {
				t.Errorf("%s, stream %d: intended %d", name, i, s.Intended)
			}
		}
	}
}

func reversed(p Plan) Plan {
	s := p.Streams[0]
	s.From.IP, s.To = s.To, s.From.IP
	s.From.MAC, s.NextHop = netns.Port1MAC[:], netns.Port0MAC[:]
	p.Streams, p.Reverse = []Stream{s}, true
	return p
}

// What still arrives of one trial is stale in the next, whatever its number.
func TestTrialNumberWraps(t *testing.T) {
	x := openWire(t, 1<<16)
	x.trial = 0xffff
	l, err := x.Run(context.Background(), wirePlan())
	if err != nil || l.Trial != 0 || l.Streams[0].Received+l.Streams[0].Late != l.Streams[0].Offered {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestRunRefusesMoreThanTheLedgerHolds(t *testing.T) {
	x := openWire(t, 1<<16)
	p := wirePlan()
	p.Duration = time.Minute
	if _, err := x.Run(context.Background(), p); err == nil {
		t.Error("a trial of 6 million frames in a ledger of 65536: no error")
	}
}

// A trial that is interrupted still has a ledger, and the next one works.
func TestInterrupt(t *testing.T) {
	x := openWire(t, 1<<24)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	p := wirePlan()
	p.Duration = time.Minute
	start := time.Now()
	l, err := x.Run(ctx, p)
	if err == nil || time.Since(start) > 10*time.Second || len(l.Streams) != 1 {
		t.Errorf("after %v: %+v, %v", time.Since(start), l, err)
	}
	if l, err = x.Run(context.Background(), wirePlan()); err != nil || l.Streams[0].Received == 0 {
		t.Errorf("the next trial: %+v, %v", l, err)
	}
}

func TestFlowLayout(t *testing.T) {
	f := flow{source: [4]byte{1, 2, 3, 4}, destination: [4]byte{5, 6, 7, 8}, sourcePort: 0x090a, destinationPort: 0x0b0c, ipCheck: 0x0d0e, udpSum: 0x0f10}
	got := f.append(nil)
	var k bpf.TesterFlow
	if binary.Size(k) != flowOctets || len(got) != flowOctets || !bytes.Equal(got[:14], []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}) {
		t.Errorf("%v of %d octets, the kernel's has %d", got, len(got), binary.Size(k))
	}
}
