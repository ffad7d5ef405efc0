package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stream is the traffic of one direction on this network.
func (b *Bench) stream(reverse bool) loadgen.Stream {
	near, far := netns.Port0Addr, netns.Port1Addr
	from, hop := netns.Port0MAC, netns.LeftLANMAC
	if reverse {
		near, far = far, near
		from, hop = netns.Port1MAC, netns.RightLANMAC
	}
	if b.device.Up == nil {
		hop = netns.Port1MAC
	}
	return loadgen.Stream{From: loadgen.Endpoint{MAC: from[:], IP: near}, To: far, NextHop: hop[:]}
}

// plan is a trial for the engine.
func (b *Bench) plan(t rfc2544.Trial) loadgen.Plan {
	const (
		margin = 10 * time.Millisecond // a frame that came just before the silence began may still be late
		window = 5 * time.Second       // overloaded tunnels have been seen to deliver 2.5 s late
	)
	return loadgen.Plan{
		Streams: []loadgen.Stream{b.stream(false)}, Size: t.Size, Rate: t.Load, Duration: t.Duration,
		Flows: b.lab.cfg.Flows, Seed: b.lab.cfg.Seed, Late: b.lab.cfg.Late, Silence: b.lab.cfg.Late + margin, Window: window,
	}
}
