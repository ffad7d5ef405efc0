package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stream is the traffic of one direction on this network.
func (b *Setup) stream(direction string) loadgen.Stream {
	near, far := netns.Port0Addr, netns.Port1Addr
	if b.settings.IPv6 {
		near, far = netns.Port0Addr6, netns.Port1Addr6
	}
	from, to, hop := netns.Port0MAC, netns.Port1MAC, netns.LeftLANMAC
	if direction == rfc2544.Reverse {
		near, far = far, near
		from, to, hop = to, from, netns.RightLANMAC
	}
	if b.device.Up == nil {
		hop = to
	}
	return loadgen.Stream{From: loadgen.Endpoint{MAC: from[:], IP: near}, To: far, NextHop: hop[:]}
}

// Plan is a trial for the engine.
func (b *Setup) Plan(t rfc2544.Trial) loadgen.Plan {
	const (
		margin = 10 * time.Millisecond // a frame that came just before the silence began may still be late
		window = 5 * time.Second       // overloaded tunnels have been seen to deliver 2.5 s late
	)
	cfg := b.settings
	p := loadgen.Plan{
		Size: t.Size, Rate: t.Load, Duration: t.Duration, Flows: cfg.Flows, Networks: cfg.Networks, Seed: cfg.Seed, IPv6: cfg.IPv6,
		Late: cfg.LossTimeout, Silence: cfg.LossTimeout + margin, Window: window, Traffic: t.Traffic,
	}
	if n := t.Networks; n > 0 {
		p.Networks, p.Flows = n, max(n, p.Flows)
	}
	return b.towards(p, b.settings.Directions()...)
}

// towards is p with streams of these directions.
func (b *Setup) towards(p loadgen.Plan, directions ...string) loadgen.Plan {
	p.Streams, p.Reverse = nil, directions[0] == rfc2544.Reverse
	for _, direction := range directions {
		p.Streams = append(p.Streams, b.stream(direction))
	}
	return p
}
