package xdp

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// openWire is the engine at both ends of a cable.
func openWire(t testing.TB, maxFrames uint64) *Engine {
	t.Helper()
	testenv.NetAdmin(t)
	x, err := New(enginetest.WireConfig(t, maxFrames, loadgen.MaxXDPFrame))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, x.Close) })
	return x
}

// sendOne has the sender write one frame onto a page full of rubbish.
func sendOne(t *testing.T, x *Engine, octets int) []byte {
	t.Helper()
	page := bytes.Repeat([]byte{0xAA}, octets)
	out := make([]byte, octets+64)
	run := &ebpf.RunOptions{Data: page, DataOut: out}
	if _, err := x.objects.Send.Run(run); err != nil {
		t.Fatal(err)
	}
	return run.DataOut
}

// skipToStart lets the sender begin at once instead of with the next slice.
func skipToStart(t *testing.T, x *Engine) {
	t.Helper()
	now := sys.Monotonic()
	if err := x.objects.Sender.Set(bpf.TesterSendState{Start: now, Base: now, LastPoll: now}); err != nil {
		t.Fatal(err)
	}
}

func TestSenderWritesWholeFrames(t *testing.T) {
	x := openWire(t, 1<<16)
	for _, p := range []loadgen.Plan{enginetest.Plan(), enginetest.Plan6(), enginetest.Reversed(enginetest.Plan()), enginetest.Reversed(enginetest.Plan6())} {
		for _, size := range []rfc2544.FrameSize{64, 65, 67, 72, 84, 85, 87, 128, 1518, 3000} {
			for _, flows := range []int{1, 300} {
				p.Size, p.Flows, p.Networks, p.Load, p.Duration = size, flows, min(flows, loadgen.MaxNetworks), rfc2544.Flood, time.Hour // always due
				if p.Size < p.MinFrame() {
					continue
				}
				if err := x.prepare([]loadgen.Plan{p}, loadgen.Turns{}); err != nil {
					t.Fatal(err)
				}
				skipToStart(t, x)
				_, want, err := p.StreamFrames(0, int(x.trial))
				if err != nil {
					t.Fatal(err)
				}
				for sequence := range uint32(flows + 2) {
					checkFrame(t, p, want[int(sequence)%flows], sendOne(t, x, size.OnVeth()), uint16(x.trial), sequence)
				}
			}
		}
	}
}

// checkFrame checks every octet of a frame, checksums by a second opinion.
func checkFrame(t *testing.T, p loadgen.Plan, f loadgen.Flow, frame []byte, trial uint16, sequence uint32) {
	t.Helper()
	d := enginetest.Decode(t, frame)
	s, err := signature.Parse(d.UDP.Payload)
	if err != nil || s.Trial != trial || s.Sequence != sequence || int(s.Stream) != p.First() {
		t.Errorf("%d octets: signature %+v, %v, want trial %d, sequence %d", len(frame), s, err, trial, sequence)
	}
	if age := sys.Monotonic() - s.SentAt; age > uint64(time.Minute) {
		t.Errorf("%d octets: stamped %v ago", len(frame), time.Duration(age))
	}
	for i, b := range d.UDP.Payload[signature.Len:] {
		if b != byte(i+signature.Len) {
			t.Fatalf("%d octets: payload octet %d is %#x", len(frame), i+signature.Len, b)
		}
	}
	l := p.Streams[0].Layout()
	if !bytes.Equal(frame[l.Head:l.Head+l.HeadLen], f.Head[:l.HeadLen]) {
		t.Errorf("%d octets: frame %d is of another flow than the one whose turn it is", len(frame), sequence)
	}
}

// hand gives a frame to the receiver of stream 0.
func hand(t *testing.T, x *Engine, frame []byte) {
	t.Helper()
	if _, err := x.objects.Receive0.Run(&ebpf.RunOptions{Data: frame}); err != nil {
		t.Fatal(err)
	}
}

func TestReceiverBooksEveryFrameOnce(t *testing.T) {
	for name, p := range map[string]loadgen.Plan{"IPv4": enginetest.Plan(), "IPv6": enginetest.Plan6()} {
		t.Run(name, func(t *testing.T) { testReceiver(t, openWire(t, 1<<16), p) })
	}
}

func testReceiver(t *testing.T, x *Engine, p loadgen.Plan) {
	p.Size = 200
	if err := x.prepare([]loadgen.Plan{p}, loadgen.Turns{}); err != nil {
		t.Fatal(err)
	}
	for _, frame := range enginetest.ReceiverCases(t, p, x.trial, sys.Monotonic()) {
		hand(t, x, frame)
	}
	ledgers, err := x.ledgers([]loadgen.Plan{p}, loadgen.Turns{})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.CheckCases(t, ledgers[0].Streams[0])
}

// The histogram of the kernel's half is the one of this half.
func TestKernelHistogram(t *testing.T) {
	x := openWire(t, 1<<16)
	p := enginetest.Plan()
	p.LossTimeout = 20 * time.Second
	if err := x.prepare([]loadgen.Plan{p}, loadgen.Turns{}); err != nil {
		t.Fatal(err)
	}
	const step = 1.37
	sequence, least := uint32(0), uint64(0)
	for age := float64(time.Millisecond); age < float64(10*time.Second); age *= step {
		hand(t, x, enginetest.Frame(t, p, signature.Signature{Trial: x.trial, Sequence: sequence, SentAt: sys.Monotonic() - uint64(age)}))
		sequence++
		least = max(least, uint64(age))
	}
	var d bpf.TesterStreamDelays
	if err := x.objects.Delays.Lookup(uint32(0), &d); err != nil {
		t.Fatal(err)
	}
	h := d.All
	var n uint32
	for _, c := range h.Counts {
		n += c
	}
	if n != sequence || h.Min < uint64(time.Millisecond) || h.Max < least {
		t.Errorf("%d of %d counted, from %d to %d, want from 1 ms to at least %d", n, sequence, h.Min, h.Max, least)
	}
	for name, v := range map[string]uint64{"largest": h.Max, "smallest": h.Min} {
		one := loadgen.NewHistogram()
		one.Add(v)
		if b := slices.Index(one.Counts[:], 1); h.Counts[b] == 0 {
			t.Errorf("the %s value's bucket %d is empty: the halves count differently", name, b)
		}
	}
}

func TestWireLosesNothing(t *testing.T) {
	x := openWire(t, 1<<20)
	for name, change := range map[string]func(*loadgen.Plan){
		"paced":               func(*loadgen.Plan) {},
		"fast":                func(p *loadgen.Plan) { p.Load = 1e6 },
		"flood":               func(p *loadgen.Plan) { p.Load = rfc2544.Flood },
		"1518 octets":         func(p *loadgen.Plan) { p.Size = 1518 },
		"many flows":          func(p *loadgen.Plan) { p.Flows, p.Networks = loadgen.MaxFlows, loadgen.MaxNetworks },
		"IPv6":                func(p *loadgen.Plan) { *p = enginetest.Plan6() },
		"IPv6, 1518, flows":   func(p *loadgen.Plan) { *p = enginetest.Plan6(); p.Size, p.Flows, p.Networks = 1518, 1000, 256 },
		"reverse":             func(p *loadgen.Plan) { *p = enginetest.Reversed(*p) },
		"both at once":        func(p *loadgen.Plan) { *p = enginetest.Both(*p) },
		"both, IPv6":          func(p *loadgen.Plan) { *p = enginetest.Both(enginetest.Plan6()) },
		"both, fast":          func(p *loadgen.Plan) { *p = enginetest.Both(*p); p.Load = 0.5e6 },
		"both, flood":         func(p *loadgen.Plan) { *p = enginetest.Both(*p); p.Load = rfc2544.Flood },
		"both, a frame each":  func(p *loadgen.Plan) { *p = enginetest.Both(*p); p.Load, p.Duration = 10, 100*time.Millisecond },
		"both, 7 in a batch":  func(p *loadgen.Plan) { *p = enginetest.Both(*p); p.Batch = 7 },
		"a frame that is one": func(p *loadgen.Plan) { p.Load, p.Duration = 10, 100*time.Millisecond },
	} {
		p := enginetest.Plan()
		change(&p)
		l, err := x.Run(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var frames uint64
		for i, s := range l.Streams {
			if s.Offered == 0 || s.Received+s.Late != s.Offered || s.Duplicated+s.Reordered+s.Corrupted+s.Stale+s.Foreign != 0 {
				t.Errorf("%s, stream %d: %+v", name, i, s)
			}
			if !p.Load.IsFlood() && s.Intended != p.Load.Frames(p.Duration) {
				t.Errorf("%s, stream %d: intended %d", name, i, s.Intended)
			}
			frames += s.Offered
		}
		if l.Latency.N != frames {
			t.Errorf("%s: the latency of all streams is of %d frames, want %d", name, l.Latency.N, frames)
		}
		if a, b := l.Streams[0].Offered, l.Streams[len(l.Streams)-1].Offered; a > b+1 || b > a+1 {
			t.Errorf("%s: streams of %d and %d frames: they do not take turns", name, a, b)
		}
		if l.Duration < p.Duration-time.Microsecond {
			t.Errorf("%s: %v of sending, want %v", name, l.Duration, p.Duration)
		}
	}
}

// The kernel of a host that the frames are sent to finds every checksum right: it
// has no program at the ports that they name, and looks that far only after the
// checksum.
func TestHostAcceptsFrames(t *testing.T) {
	testenv.NetAdmin(t)
	const networks, flows = 8, 500
	own := []netip.Prefix{netip.MustParsePrefix("198.18.255.1/16"), netip.MustParsePrefix("2001:2:0:ff::1/56")}
	for _, s := range []loadgen.Stream{enginetest.Plan().Streams[0], enginetest.Plan6().Streams[0]} {
		for i := range networks {
			addr := loadgen.InNetwork(s.To, i)
			own = append(own, netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
	const host = "host"
	n, cfg := enginetest.NetworkConfig(t, netns.Topology{
		Name: host, Nodes: []string{netns.Tester, host},
		Links: []netns.Link{
			{A: netns.End{Node: netns.Tester, Name: netns.Port0, Sink: true}, MTU: 3000,
				B: netns.End{Node: host, Name: netns.LAN, MAC: netns.LeftLANMAC, GRO: true, Addrs: own}},
			{A: netns.End{Node: netns.Tester, Name: netns.Port1, Sink: true}, MTU: 3000, B: netns.End{Node: host, Name: netns.WAN, GRO: true}},
		},
	}, 1<<16, loadgen.MaxXDPFrame)
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, x.Close) })
	for counter, p := range map[string]loadgen.Plan{"host udp no_port": enginetest.Plan(), "host udp6 no_port": enginetest.Plan6()} {
		p.Streams[0].NextHop, p.Flows, p.Networks, p.Load, p.IdleTimeout = netns.LeftLANMAC[:], flows, networks, 50e3, 10*time.Millisecond
		for _, size := range []rfc2544.FrameSize{p.MinFrame(), 101, 1518} {
			p.Size = size
			before, err := counters.Read(n)
			if err != nil {
				t.Fatal(err)
			}
			l, err := x.Run(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			after, err := counters.Read(n)
			if got := after.Since(before); err != nil || got.At(counter) != int64(l.Streams[0].Offered) || l.Streams[0].Offered == 0 {
				t.Errorf("%d octets: the host accepted %d of %d frames: %v, %v", size, got.At(counter), l.Streams[0].Offered, got, err)
			}
		}
	}
}

// What preparing a trial takes is missing at its beginning.
func BenchmarkPrepare(b *testing.B) {
	x := openWire(b, 1<<20)
	plans := []loadgen.Plan{enginetest.Plan()}
	for b.Loop() {
		if err := x.prepare(plans, loadgen.Turns{}); err != nil {
			b.Fatal(err)
		}
	}
}

// Two streams take turns: the second one's frames are due in the middle between the first one's.
func TestBothDirectionsTakeTurns(t *testing.T) {
	x := openWire(t, 1<<16)
	p := enginetest.Both(enginetest.Plan())
	p.Load, p.Duration = 1000, 50*time.Millisecond
	l, err := x.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var sent [streams]bpf.TesterStreamSent
	if err := x.objects.Sent.Get(&sent); err != nil {
		t.Fatal(err)
	}
	apart := time.Duration(sent[1].Last - sent[0].Last)
	if len(l.Streams) != 2 || apart <= 0 || apart > time.Millisecond+l.Lateness.Max+l.Paused {
		t.Errorf("the last frames went out %v apart, want about 500 µs: %+v", apart, l)
	}
}

// What still arrives of one trial is stale in the next, whatever its number.
func TestTrialNumberWraps(t *testing.T) {
	x := openWire(t, 1<<16)
	x.trial = 0xffff
	l, err := x.Run(context.Background(), enginetest.Plan())
	if err != nil || l.Trial != 0 || l.Streams[0].Received+l.Streams[0].Late != l.Streams[0].Offered {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestRunRefusesMoreThanTheLedgerHolds(t *testing.T) {
	x := openWire(t, 1<<16)
	p := enginetest.Plan()
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
	p := enginetest.Plan()
	p.Duration = time.Minute
	start := time.Now()
	l, err := x.Run(ctx, p)
	if err == nil || time.Since(start) > 10*time.Second || len(l.Streams) != 1 {
		t.Errorf("after %v: %+v, %v", time.Since(start), l, err)
	}
	if l, err = x.Run(context.Background(), enginetest.Plan()); err != nil || l.Streams[0].Received == 0 {
		t.Errorf("the next trial: %+v, %v", l, err)
	}
}

func TestFlowLayout(t *testing.T) {
	f := loadgen.Flow{Head: [loadgen.HeadMax]byte{1, 2, 35: 36}, UDPSum: 0x0f10}
	got := f.Append(nil)
	var k bpf.TesterFlow
	if _, err := binary.Decode(got, binary.NativeEndian, &k); err != nil || binary.Size(k) != loadgen.FlowLen || k.Own != f.Head || k.UdpSum != f.UDPSum {
		t.Errorf("%v of %d octets, the kernel's has %d: %+v, %v", got, len(got), binary.Size(k), k, err)
	}
}
