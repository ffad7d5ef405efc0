package events

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/series"
	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// narrow is a wan link of 50 Mbit/s with a queue of 200 ms, as many access links have.
const narrow = "shaped:rate=50Mbps,limit=1250000"

// filling is a congestion control that fills queues: it sends more until a packet is lost.
const filling = "cubic"

// Bufferbloat compares the round trip of a light stream on a quiet link with that beside a bulk TCP stream that fills
// the link's queue.
func Bufferbloat(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	if err := congestion.Allow(filling, b.Lab.Set); err != nil {
		return f, err
	}
	settings := b.Settings
	settings.WAN, settings.PlainWAN, settings.CongestionControl = narrow, true, filling
	h, err := streams.Open(ctx, b.Lab, b.Device, settings)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	plan := h.Plan(tcp.Bulk)
	plan.Warmup, plan.Duration = time.Second, b.Times.Bulk
	ends := places(h.Net(), settings.IPv6)
	stream, err := probe.Start(ends[0], ends[1], every, quiet+plan.Limit())
	if err != nil {
		return f, err
	}
	if err := rest(ctx, quiet); err != nil {
		_, stopped := stream.Stop(0)
		return f, errors.Join(err, stopped)
	}
	began := stream.Now()
	bulk, err := h.Measure(ctx, plan)
	r, stopped := stream.Stop(drain)
	if err = errors.Join(err, stopped); err != nil {
		return f, err
	}
	trips := series.RoundTrips(r.Forward, r.Reverse)
	bloated(&f, trips.Between(0, began), trips.Between(began+plan.Warmup, began+plan.Warmup+plan.Duration))
	sum, _, _ := bulk.Goodput(plan.Direction)
	f.Measured("goodput", "bit/s", sum, 1)
	f.Note("tcp", bulk.CongestionControl)
	f.Verdict = behaviour.None
	return f, nil
}

// quiet is the time for which nothing but the light stream is sent.
const quiet = 2 * time.Second

// bloated adds the round trips of a light stream without and with load.
func bloated(f *behaviour.Finding, without, with series.Series) {
	tellDelays(f, "quiet", without)
	tellDelays(f, "loaded", with)
	f.Measured("loaded-lost", "packets", float64(with.Lost()), len(with))
	before, ok1 := without.Quantiles()
	after, ok2 := with.Quantiles()
	if ok1 && ok2 && before.P50 > 0 {
		f.Measured("ratio-p50", "ratio", float64(after.P50)/float64(before.P50), len(with))
	}
}

// tellDelays adds the quantiles of the delays of a stream.
func tellDelays(f *behaviour.Finding, name string, s series.Series) {
	q, ok := s.Quantiles()
	if !ok {
		return
	}
	came := len(s) - s.Lost()
	f.Measured(name+"-p50", "ns", float64(q.P50), came)
	f.Measured(name+"-p99", "ns", float64(q.P99), came)
	f.Measured(name+"-max", "ns", float64(q.Most), came)
}
