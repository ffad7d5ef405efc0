package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stream returns the traffic of one direction on this network.
func (s *Setup) stream(direction string) loadgen.Stream {
	near, far := netns.Port0Addr, netns.Port1Addr
	if s.settings.IPv6 {
		near, far = netns.Port0Addr6, netns.Port1Addr6
	}
	from, to, hop := netns.Port0MAC, netns.Port1MAC, netns.LeftLANMAC
	if direction == rfc2544.Reverse {
		near, far = far, near
		from, to, hop = to, from, netns.RightLANMAC
	}
	if s.device.Up == nil {
		hop = to
	}
	return loadgen.Stream{From: loadgen.Endpoint{MAC: from[:], IP: near}, To: far, NextHop: hop[:]}
}

// Plan returns the engine's plan for a trial.
func (s *Setup) Plan(t rfc2544.Trial) loadgen.Plan {
	const (
		margin = 10 * time.Millisecond // a frame may take all of the loss timeout and come just before the idle timeout
		window = 5 * time.Second       // overloaded tunnels have been seen to deliver 2.5 s late
	)
	cfg := s.settings
	p := loadgen.Plan{
		Trial: t, Flows: max(t.Networks, cfg.Flows), Seed: cfg.Seed, IPv6: cfg.IPv6,
		LossTimeout: cfg.LossTimeout, IdleTimeout: cfg.LossTimeout + margin, Drain: max(window, cfg.LossTimeout+margin),
	}
	if p.Networks == 0 {
		p.Networks = cfg.Networks
	}
	return s.towards(p, s.settings.Directions()...)
}

// towards returns p with streams in these directions.
func (s *Setup) towards(p loadgen.Plan, directions ...string) loadgen.Plan {
	p.Streams, p.Reverse = nil, directions[0] == rfc2544.Reverse
	for _, direction := range directions {
		p.Streams = append(p.Streams, s.stream(direction))
	}
	return p
}
