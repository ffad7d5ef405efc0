// Package enginetest holds what the tests of both engines share: plans, networks, and frames that
// every receiver has to classify in the same way.
package enginetest

import (
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stream leaves port 0 for port 1.
func stream() loadgen.Stream {
	return loadgen.Stream{
		From: loadgen.Endpoint{MAC: netns.Port0MAC[:], IP: netip.MustParseAddr("198.18.0.2")},
		To:   netip.MustParseAddr("198.19.0.2"), NextHop: netns.Port1MAC[:],
	}
}

// Plan is a short trial over a cable: 100,000 frames of 64 bytes a second.
func Plan() loadgen.Plan {
	return loadgen.Plan{
		Streams: []loadgen.Stream{stream()}, Trial: rfc2544.Trial{Size: 64, Load: 100e3, Duration: 100 * time.Millisecond}, Flows: 1,
		LossTimeout: time.Second, IdleTimeout: 100 * time.Millisecond, Drain: 2 * time.Second,
	}
}

// Plan6 is Plan with inner IPv6.
func Plan6() loadgen.Plan {
	p := Plan()
	s := &p.Streams[0]
	s.From.IP, s.To = netip.MustParseAddr("2001:2::2"), netip.MustParseAddr("2001:2:0:100::2")
	p.IPv6, p.Size = true, rfc2544.MinFrame6
	return p
}

// Both is p with a second stream the other way.
func Both(p loadgen.Plan) loadgen.Plan {
	p.Streams = []loadgen.Stream{p.Streams[0], Reversed(p).Streams[0]}
	return p
}

// Reversed is p the other way.
func Reversed(p loadgen.Plan) loadgen.Plan {
	s := p.Streams[0]
	s.From.IP, s.To = s.To, s.From.IP
	s.From.MAC, s.NextHop = netns.Port1MAC[:], netns.Port0MAC[:]
	p.Streams, p.Reverse = []loadgen.Stream{s}, true
	return p
}
