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

// path is a wan link on which a TCP stream is measured.
type path struct {
	loss string // each way
	rtt  time.Duration
	cc   string // congestion control
}

func (p path) name() string { return fmt.Sprintf("%s-%s-%s", p.loss, short(p.rtt), p.cc) }

// wan returns the path's effects, in the syntax of --wan. A queue of 500 frames of 1500 octets is 120 ms long.
func (p path) wan() string {
	return fmt.Sprintf("rate=50Mbps,queue=500,delay=%v,loss=%s", p.rtt/2, p.loss)
}

// paths returns all combinations.
func paths(losses []string, rtts []time.Duration, ccs []string) (all []path) {
	for _, cc := range ccs {
		for _, rtt := range rtts {
			for _, loss := range losses {
				all = append(all, path{loss, rtt, cc})
			}
		}
	}
	return all
}

// Goodput compares the goodput of a TCP connection over lossy and long paths of 50 Mbit/s with that without a tunnel, over
// the same path and by the same congestion control.
func Goodput(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	f.Verdict = behaviour.None
	return f, b.over(ctx, paths([]string{"0.1%", "1%", "3%"}, []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}, []string{"cubic", "bbr"}), &f)
}

// over measures the device and plain on paths, one right after the other.
func (b *Bench) over(ctx context.Context, all []path, f *behaviour.Finding) error {
	plain, err := dut.Parse(plainName)
	if err != nil {
		return err
	}
	for _, p := range all {
		tunnel, err := b.goodput(ctx, b.Device, p)
		var base float64
		if err == nil && b.Device.Name != plainName {
			base, err = b.goodput(ctx, plain, p)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && len(f.Values) == 0 && errors.Is(err, errors.ErrUnsupported):
			return err
		case err != nil:
			f.Note(p.name(), "no goodput: "+oneline.First(err.Error()))
			continue
		}
		compared(f, p.name(), tunnel, base)
	}
	return nil
}

const plainName = "plain"

// goodput returns the goodput of one TCP connection in bit/s.
func (b *Bench) goodput(ctx context.Context, d dut.Device, p path) (bits float64, err error) {
	if err := congestion.Allow(p.cc, b.Lab.Set); err != nil {
		return 0, err
	}
	settings := b.Settings
	settings.WAN, settings.CongestionControl = p.wan(), p.cc
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
func compared(f *behaviour.Finding, name string, tunnel, plain float64) {
	f.Measured(name, "bit/s", tunnel, 1)
	if plain > 0 {
		f.Measured(name+"-plain", "bit/s", plain, 1)
		f.Measured(name+"-share", "%", 100*tunnel/plain, 1)
	}
}
