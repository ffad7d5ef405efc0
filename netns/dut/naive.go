package dut

import (
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// naive uses the datagram format of the reference tunnel without any optimisation. It moves one
// packet per system call and has one goroutine per direction. Comparing naive with the reference
// tunnel shows the gain of the optimisations.
var _ = register(Tunnel{
	Order: 100,
	Name:  role.Naive, Kind: Plain, Protocol: referenceProtocol, Overhead: referenceOverhead,
	Doc:   "the reference tunnel's format, one packet per system call: the yardstick of what is gained",
	Probe: probeTUN, Builtin: true,
	end: func(b Env) (end, error) { return b.builtin(role.Naive) },
})
