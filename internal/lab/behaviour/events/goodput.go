package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/internal/oneline"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// wanOf returns a path's effects, in the syntax of --wan. A queue of 500 frames of 1500 octets is 120 ms long.
func wanOf(p behaviour.Path) string {
	return fmt.Sprintf("rate=50Mbps,queue=500,delay=%v,loss=%s", p.RTT/2, p.Loss)
}

// paths returns all combinations.
func paths(losses []string, rtts []time.Duration, ccs []string) (all []behaviour.Path) {
	for _, cc := range ccs {
		for _, rtt := range rtts {
			for _, loss := range losses {
				all = append(all, behaviour.Path{Loss: loss, RTT: rtt, CongestionControl: cc})
			}
		}
	}
	return all
}

// Goodput compares the goodput of a TCP connection over lossy and long paths of 50 Mbit/s with that without a tunnel, over
// the same path and by the same congestion control.
func Goodput(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	f.Verdict = behaviour.None
	return f, b.over(ctx, paths([]string{"0.1%", "1%", "3%"}, []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}, []string{"cubic", "bbr", "reno"}), &f)
}

// over measures the device and plain on paths, one right after the other.
func (b *Bench) over(ctx context.Context, all []behaviour.Path, f *behaviour.Finding) error {
	plain, err := dut.Parse(plainName)
	if err != nil {
		return err
	}
	for _, p := range all {
		tunnel, err := b.goodput(ctx, b.Device, p)
		var base float64
		if err == nil && b.Device.Name != plainName {
			if base, err = b.goodput(ctx, plain, p); err != nil && ctx.Err() == nil {
				f.Note(p.Name(), "no goodput of plain: "+oneline.First(err.Error()))
				err = nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && len(f.Values) == 0 && errors.Is(err, errors.ErrUnsupported):
			return err
		case err != nil:
			f.Note(p.Name(), "no goodput: "+oneline.First(err.Error()))
			continue
		}
		compared(f, p, tunnel, base)
	}
	if len(f.Values) == 0 {
		f.Verdict, f.Why = behaviour.NotMeasured, "no connection came through on any path"
	}
	return nil
}

const plainName = "plain"

// goodput returns the goodput of one TCP connection in bit/s.
func (b *Bench) goodput(ctx context.Context, d dut.Device, p behaviour.Path) (bits float64, err error) {
	if err := congestion.Allow(p.CongestionControl, b.Lab.Set); err != nil {
		return 0, err
	}
	settings := b.Settings
	settings.WAN, settings.CongestionControl = wanOf(p), p.CongestionControl
	h, err := streams.Open(ctx, b.Lab, d, settings)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	plan := h.Plan(tcp.Bulk)
	plan.Warmup, plan.Duration = b.Times.Bulk/2, b.Times.Bulk
	s, err := h.Measure(ctx, plan)
	if err != nil {
		return 0, err
	}
	sum, _, _ := s.Goodput(plan.Direction)
	return sum, nil
}

// compared adds a goodput, and its share of the goodput without a tunnel; 0: not measured.
func compared(f *behaviour.Finding, p behaviour.Path, tunnel, plain float64) {
	f.Measured(p.Name(), "bit/s", tunnel, 1)
	if plain > 0 {
		f.Measured(p.Name()+"-plain", "bit/s", plain, 1)
		f.Measured(p.Share(), "%", 100*tunnel/plain, 1)
	}
}
