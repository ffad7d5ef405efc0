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
	// Underlay is the interface on which the xdp engine also sends the frames of LoadMutants; nil for
	// none. Its peer has to be polled (GRO on). MutantRoom is the engine's room for mutants, in bytes.
	Underlay   *Port
	MutantRoom int
}

// What both engines do about stalls of the machine.
const (
	StallLimit = 500 * time.Microsecond // a gap from here on is a stall
	StallSlice = 10 * time.Millisecond  // frames sent in a slice with a stall do not count as undisturbed
	MaxStalls  = 4096                   // that a ledger lists
)

// SendGrace is how much longer than its duration a trial may send, for frames
// that the send path delayed.
const SendGrace = 20 * time.Millisecond
