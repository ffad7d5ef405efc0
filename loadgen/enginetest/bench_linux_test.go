package enginetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// BenchmarkGenerator runs trials of one second over a wire with the xdp engine. One core writes, sends,
// receives, checks and counts every frame.
func BenchmarkGenerator(b *testing.B) {
	for _, c := range []struct {
		size rfc2544.FrameSize
		rate rfc2544.Rate
	}{
		{64, rfc2544.Flood}, {512, rfc2544.Flood}, {1518, rfc2544.Flood},
		{64, 100e3}, {64, 1e6}, {64, 1.5e6},
	} {
		b.Run(fmt.Sprintf("size=%d/load=%v", c.size, c.rate), func(b *testing.B) {
			benchmarkEngine(b, testEngines["xdp"], loadgen.MaxXDPFrame, c.size, c.rate)
		})
	}
}

// BenchmarkGeneratorAFPacket is the same as BenchmarkGenerator with the afpacket engine.
func BenchmarkGeneratorAFPacket(b *testing.B) {
	for _, c := range []struct {
		size rfc2544.FrameSize
		rate rfc2544.Rate
	}{
		{64, rfc2544.Flood}, {512, rfc2544.Flood}, {1518, rfc2544.Flood}, {rfc2544.MaxFrame, rfc2544.Flood},
		{64, 100e3}, {64, 0.5e6},
	} {
		b.Run(fmt.Sprintf("size=%d/load=%v", c.size, c.rate), func(b *testing.B) {
			benchmarkEngine(b, testEngines["afpacket"], rfc2544.MaxFrame, c.size, c.rate)
		})
	}
}

func benchmarkEngine(b *testing.B, open func(loadgen.EngineConfig) (testEngine, error), largest, size rfc2544.FrameSize, rate rfc2544.Rate) {
	testenv.NetAdmin(b)
	e, err := open(WireConfig(b, 1<<25, largest))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { Close(b, e.Close) })
	p := Plan()
	p.Size, p.Load, p.Duration = size, rate, time.Second
	var frames, lost uint64
	var sending time.Duration
	for b.Loop() {
		l, err := e.Run(context.Background(), p)
		if err != nil {
			b.Fatal(err)
		}
		s := l.Streams[0]
		frames, lost, sending = frames+s.Received, lost+s.Intended-s.Received, sending+l.Duration
		if q := l.LatenessQuiet; q != nil {
			b.ReportMetric(float64(q.P50), "late-p50-ns")
			b.ReportMetric(float64(q.P99), "late-p99-ns")
		}
	}
	b.ReportMetric(float64(frames)/sending.Seconds()/1e6, "Mpps")
	b.ReportMetric(float64(lost)/float64(b.N), "lost/op")
	b.ReportMetric(0, "ns/op")
}
