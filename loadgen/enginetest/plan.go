// Package enginetest helps to test both engines. It holds plans, networks and frames that both
// engines must classify in the same way.
package enginetest

import (
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stream returns a stream from port 0 to port 1.
func stream() loadgen.Stream {
	return loadgen.Stream{
		From: loadgen.Endpoint{MAC: netns.Port0MAC[:], IP: netip.MustParseAddr("198.18.0.2")},
		To:   netip.MustParseAddr("198.19.0.2"), NextHop: netns.Port1MAC[:],
	}
}

// Plan returns a plan for a trial of 100 ms with 64-byte frames at 100 kpps, from port 0 to port 1.
func Plan() loadgen.Plan {
	return loadgen.Plan{
		Streams: []loadgen.Stream{stream()}, Trial: rfc2544.Trial{Size: 64, Load: 100e3, Duration: 100 * time.Millisecond}, Flows: 1,
		LossTimeout: time.Second, IdleTimeout: 100 * time.Millisecond, Drain: 2 * time.Second,
	}
}

// Plan6 returns Plan with IPv6 packets.
func Plan6() loadgen.Plan {
	p := Plan()
	s := &p.Streams[0]
	s.From.IP, s.To = netip.MustParseAddr("2001:2::2"), netip.MustParseAddr("2001:2:0:100::2")
	p.IPv6, p.Size = true, rfc2544.MinFrame6
	return p
}

// Both returns p with a second stream in the reverse direction.
func Both(p loadgen.Plan) loadgen.Plan {
	p.Streams = []loadgen.Stream{p.Streams[0], Reversed(p).Streams[0]}
	return p
}

// Reversed returns p with its stream in the reverse direction.
func Reversed(p loadgen.Plan) loadgen.Plan {
	s := p.Streams[0]
	s.From.IP, s.To = s.To, s.From.IP
	s.From.MAC, s.NextHop = netns.Port1MAC[:], netns.Port0MAC[:]
	p.Streams, p.Reverse = []loadgen.Stream{s}, true
	return p
}
