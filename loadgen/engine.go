package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Port is one of the tester's interfaces.
type Port struct {
	Index int                      // of the interface, in its namespace
	Enter func(func() error) error // runs a function inside that namespace
}

// EngineConfig is what an engine needs to know for its whole life.
type EngineConfig struct {
	Ports     [2]Port
	Tester    int   // the core that sends
	DUT       []int // cores whose stalls are watched
	MaxFrames uint64
	Largest   rfc2544.FrameSize // that will be sent; 0: rfc2544.MaxFrame
	// Underlay is an interface by which the xdp engine also sends what LoadMutants
	// gave it, whose peer is polled (GRO is on); nil: none. MutantRoom is how many
	// octets of them it holds.
	Underlay   *Port
	MutantRoom int
}

// The canary's period, the gap that counts as a stall, and the slice that one
// spoils for the latency of undisturbed frames.
const (
	tickPeriod = time.Millisecond
	StallLimit = 500 * time.Microsecond
	stallSlice = 10 * time.Millisecond
)
