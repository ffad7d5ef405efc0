package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// directions are those of the streams, in the order of the ports that they leave.
func (l *Lab) directions() []string {
	if l.cfg.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{l.cfg.Direction}
}

// minFrame is the smallest frame of the run's IP version.
func (l *Lab) minFrame() rfc2544.FrameSize {
	if l.cfg.IPv6 {
		return rfc2544.MinFrame6
	}
	return rfc2544.MinFrame
}

// stream is the traffic of one direction on this network.
func (b *Setup) stream(direction string) loadgen.Stream {
	near, far := netns.Port0Addr, netns.Port1Addr
	if b.lab.cfg.IPv6 {
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
	cfg := b.lab.cfg
	p := loadgen.Plan{
		Size: t.Size, Rate: t.Load, Duration: t.Duration, Flows: cfg.Flows, Networks: cfg.Networks, Seed: cfg.Seed, IPv6: cfg.IPv6,
		Late: cfg.Late, Silence: cfg.Late + margin, Window: window, Traffic: t.Traffic,
	}
	if n := t.Networks; n > 0 {
		p.Networks, p.Flows = n, max(n, p.Flows)
	}
	return b.towards(p, b.lab.directions()...)
}

// towards is p with streams of these directions.
func (b *Setup) towards(p loadgen.Plan, directions ...string) loadgen.Plan {
	p.Streams, p.Reverse = nil, directions[0] == rfc2544.Reverse
	for _, direction := range directions {
		p.Streams = append(p.Streams, b.stream(direction))
	}
	return p
}
