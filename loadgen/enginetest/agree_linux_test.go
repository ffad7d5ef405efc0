package enginetest

import (
	"bytes"
	"context"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/afpacket"
	"github.com/tunnelbench/tunnelbench/loadgen/xdp"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// testEngine is an xdp engine or an afpacket engine.
type testEngine interface {
	Run(context.Context, loadgen.Plan) (loadgen.Ledger, error)
	Close() error
}

var testEngines = map[string]func(loadgen.EngineConfig) (testEngine, error){
	"xdp":      func(cfg loadgen.EngineConfig) (testEngine, error) { return xdp.New(cfg) },
	"afpacket": func(cfg loadgen.EngineConfig) (testEngine, error) { return afpacket.New(cfg) },
}

// Both engines count the same frames over a wire, although they send and receive with different code.
func TestEnginesAgreeOnAWire(t *testing.T) {
	testenv.NetAdmin(t)
	cfg := WireConfig(t, 1<<20, loadgen.MaxXDPFrame)
	p := Plan()
	p.Load, p.Duration, p.Flows, p.Seed = 50e3, 200*time.Millisecond, 100, 1
	p.Streams = append(p.Streams, Reversed(p).Streams[0])
	want := func(offered uint64) loadgen.StreamLedger {
		none := func(int) string { return "" }
		return loadgen.StreamLedger{Counts: rfc2544.Counts{Intended: 10000, Offered: offered, Received: offered}, Flows: flowsAfter(none, offered, p.Flows)}
	}
	for name, open := range testEngines {
		checkLedger(t, name, open, cfg, p, want)
	}
}

// fault returns the fault that the faulty device applies to frame n of a direction, or "".
func fault(n int) string {
	switch {
	case n%1000 == 999:
		return "drop"
	case n%700 == 699:
		return "duplicate"
	case n%500 == 499:
		return "hold" // send the frame after the next frame
	case n%300 == 299:
		return "corrupt"
	}
	return ""
}

// lastFault returns when the last of the frames that the faulty device drops or corrupts was due.
func lastFault(p loadgen.Plan, frames uint64) *time.Duration {
	for n := int(frames) - 1; n >= 0; n-- {
		if f := fault(n); f == "drop" || f == "corrupt" {
			at := p.Pace().Due(uint64(n))
			return &at
		}
	}
	return nil
}

// flowsAfter returns how many frames of each flow come whole when each has its fault.
func flowsAfter(fault func(n int) string, frames uint64, flows int) []uint64 {
	came := make([]uint64, flows)
	for n := range int(frames) {
		if f := fault(n); f != "drop" && f != "corrupt" {
			came[n%flows]++
		}
	}
	return came
}

// afterFaults returns the expected ledger after the given number of frames.
func afterFaults(frames uint64) loadgen.StreamLedger {
	l := loadgen.StreamLedger{Counts: rfc2544.Counts{Intended: frames, Offered: frames, Received: frames}}
	for n := range int(frames) {
		behind := uint64(1) // a later frame reveals the gap
		if n == int(frames)-1 {
			behind = 0
		}
		switch fault(n) {
		case "drop":
			l.Received--
			l.Gaps += behind // consecutive frames never both have faults
		case "duplicate":
			l.Duplicated++
		case "hold":
			l.Reordered++
			l.Gaps += behind
		case "corrupt":
			l.Received--
			l.Corrupted++
			l.Gaps += behind
		}
	}
	l.Lost = l.Offered - l.Received
	return l
}

// Both engines count the lost, duplicated, reordered and corrupted frames of a faulty device exactly,
// in both directions at the same time.
func TestEnginesAgreeOnFaults(t *testing.T) {
	p := Plan()
	p.Size, p.Load, p.Duration, p.Flows, p.Seed = 100, 20e3, 400*time.Millisecond, 10, 1
	p.IdleTimeout, p.Drain = 500*time.Millisecond, 10*time.Second // the device may have to wait for a core
	p.Streams = append(p.Streams, Reversed(p).Streams[0])
	want := func(offered uint64) loadgen.StreamLedger {
		l := afterFaults(offered)
		if l.Duplicated == 0 || l.Reordered == 0 || l.Corrupted == 0 {
			t.Fatalf("the trial is too short: %+v", l)
		}
		l.Intended, l.LastLost, l.Flows = p.Frames(), lastFault(p, offered), flowsAfter(fault, offered, p.Flows)
		return l
	}
	for name, open := range testEngines {
		checkLedger(t, name, open, faultyConfig(t), p, want)
	}
}

// checkLedger runs the plan and compares the ledger with the one wanted of the frames that were offered: a busy
// machine may cut a trial short. It counts late frames as received, because such a machine can make
// frames late.
func checkLedger(t *testing.T, name string, open func(loadgen.EngineConfig) (testEngine, error), cfg loadgen.EngineConfig, p loadgen.Plan, wanted func(offered uint64) loadgen.StreamLedger) {
	t.Helper()
	e, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := e.Run(context.Background(), p)
	if closed := e.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	for i, got := range l.Streams {
		want := wanted(got.Offered)
		got.Received, got.Lost, got.Late = got.Received+got.Late, got.Lost-got.Late, 0
		got.Latency, got.LatencyQuiet, got.Span, got.Silence = nil, nil, 0, nil
		if last := want.LastLost; last != nil && got.LastLost != nil && *got.LastLost >= *last && *got.LastLost <= *last+l.Paused {
			got.LastLost = last // pauses of the schedule can delay the send time
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s, stream %d:\ngot  %+v\nwant %+v", name, i, got, want)
		}
	}
}

// faultyConfig connects the tester's ports to a device that applies the faults of the function fault.
func faultyConfig(t *testing.T) loadgen.EngineConfig {
	t.Helper()
	testenv.NetAdmin(t)
	const device = "device"
	end := func(node, name string) netns.End { return netns.End{Node: node, Name: name, GRO: true} }
	topology := netns.Topology{
		Name: "faulty", Nodes: []string{netns.Tester, device},
		Links: []netns.Link{
			{A: end(netns.Tester, netns.Port0), B: end(device, "in0"), MTU: 1500},
			{A: end(netns.Tester, netns.Port1), B: end(device, "in1"), MTU: 1500},
		},
	}
	for i := range topology.Links {
		l := &topology.Links[i]
		l.A.MAC, l.B.MAC = netns.MAC{2, 0, 0, 0, 1, byte(i)}, netns.MAC{2, 0, 0, 0, 2, byte(i)}
	}
	n, err := netns.Build(context.Background(), topology, netns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(t, n.Close) })
	cpus, err := netns.AllowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	cfg := loadgen.EngineConfig{Tester: cpus[0], DUT: cpus[1:], MaxFrames: 1 << 16, Largest: 1500}
	var ends [2]*sys.PacketSocket
	for i, name := range []string{netns.Port0, netns.Port1} {
		cfg.Ports[i].Enter = n.NS(netns.Tester).Do
		cfg.Ports[i].Index = IndexOf(t, n.NS(netns.Tester), name)
		index := IndexOf(t, n.NS(device), "in"+name[len(name)-1:])
		err := n.NS(device).Do(func() (err error) {
			ends[i], err = sys.OpenPacket(index, 8192, 2048)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	startFaulty(t, ends, cfg.DUT)
	return cfg
}

// startFaulty starts a device that forwards frames between two sockets until the test ends. The device
// runs on cpus, which do not include the tester's core.
func startFaulty(t *testing.T, ends [2]*sys.PacketSocket, cpus []int) {
	var stop atomic.Bool
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread with the changed CPU affinity ends
		if len(cpus) > 0 {
			if err := sys.SetAffinity(0, cpus); err != nil {
				done <- err
				return
			}
		}
		var count [2]int
		var held [2][]byte
		for !stop.Load() {
			if err := ends[0].Wait(100 * time.Microsecond); err != nil {
				done <- err
				return
			}
			for i, from := range ends {
				for p, ok := from.Next(); ok; p, ok = from.Next() {
					frame := bytes.Clone(p.Data)
					from.Release()
					if len(frame) != 96 { // not from the tester
						continue
					}
					what := fault(count[i])
					count[i]++
					if err := applyFault(ends[1-i], frame, what, &held[i]); err != nil {
						done <- err
						return
					}
				}
			}
		}
		done <- nil
	}()
	t.Cleanup(func() {
		stop.Store(true)
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, s := range ends {
			Close(t, s.Close)
		}
	})
}

func applyFault(to *sys.PacketSocket, frame []byte, what string, held *[]byte) error {
	out := [][]byte{frame}
	switch what {
	case "drop":
		out = nil
	case "duplicate":
		out = append(out, frame)
	case "corrupt":
		frame[len(frame)-1] ^= 1
	case "hold":
		*held = frame
		return nil
	}
	if *held != nil {
		out = append(out, *held)
		*held = nil
	}
	for len(out) > 0 {
		n, err := to.Send(out)
		if err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

// runWhole runs the plan until the machine leaves the engine time to offer all frames.
func runWhole(t *testing.T, open func(loadgen.EngineConfig) (testEngine, error), cfg loadgen.EngineConfig, p loadgen.Plan) (l loadgen.Ledger) {
	t.Helper()
	for range 20 {
		e, err := open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, err = e.Run(context.Background(), p)
		if closed := e.Close(); err != nil || closed != nil {
			t.Fatal(err, closed)
		}
		if l.Streams[0].Offered == p.Frames() {
			break
		}
	}
	return l
}

// Both engines send load steps and bursts as planned and record the delays of the tagged frames.
func TestEnginesAgreeOnTraffic(t *testing.T) {
	testenv.NetAdmin(t)
	cfg := WireConfig(t, 1<<20, loadgen.MaxXDPFrame)
	for name, traffic := range map[string]rfc2544.Traffic{
		"step":   {Step: 5e3, StepAt: 100 * time.Millisecond},
		"bursts": {Burst: 16, BurstRate: 200e3},
		"tags":   {TagFrom: 100 * time.Millisecond},
	} {
		p := Plan()
		p.Load, p.Duration, p.Traffic = 20e3, 200*time.Millisecond, traffic
		for engine, open := range testEngines {
			l := runWhole(t, open, cfg, p)
			s, frames := l.Streams[0], p.Frames()
			if s.Offered != frames || s.Received+s.Late != frames || s.LastLost != nil || s.Gaps != 0 || s.Silence == nil {
				t.Errorf("%s, %s: %d frames, %+v", engine, name, frames, s)
			}
			if l.Duration < 199*time.Millisecond { // one that is too long is cut short
				t.Errorf("%s, %s: took %v", engine, name, l.Duration)
			}
			if traffic.TagFrom == 0 {
				if len(s.Tags) != 0 || l.Variation != nil {
					t.Errorf("%s, %s: tags that nobody asked for", engine, name)
				}
				continue
			}
			v := l.Variation
			if len(s.Tags) != 1000 || slices.Min(s.Tags) < s.Latency.Min || slices.Max(s.Tags) > s.Latency.Max {
				t.Errorf("%s: %d tags, latencies %+v", engine, len(s.Tags), s.Latency)
			}
			if v == nil || v.N != frames-1 || v.Min > v.Median || v.Median > v.Max || v.Max > s.Latency.Max-s.Latency.Min || -v.Min > s.Latency.Max-s.Latency.Min {
				t.Errorf("%s: variation %+v, latencies %+v", engine, v, s.Latency)
			}
		}
	}
}
