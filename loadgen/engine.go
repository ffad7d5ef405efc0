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
	More      [][2]Port // ports of further set-ups, which the xdp engine measures in turns with the first
	Tester    int       // the core that sends
	DUT       []int     // cores whose stalls are watched
	MaxFrames uint64
	Flows     int // the most flows of a stream; 0: MaxNetworks
	// OwnProcesses are the lab's processes, OwnNetworks the network namespaces of its set-ups (inode
	// numbers). Any other program on a watched core disturbs a trial.
	OwnProcesses []int
	OwnNetworks  []uint32
	Largest      rfc2544.FrameSize // that will be sent; 0: rfc2544.MaxFrame
	// Underlay is the interface on which the xdp engine also sends the frames of LoadMutants; nil for
	// none. Its peer has to be polled (GRO on). MutantRoom is the engine's room for mutants, in bytes.
	Underlay   *Port
	MutantRoom int
}

// What both engines do about stalls of the machine.
const (
	StallLimit = 500 * time.Microsecond // a gap from here on is a stall
	SliceTime  = 10 * time.Millisecond  // what a trial is cut into
	MaxStalls  = 4096                   // that a ledger lists
)

// MaxLanes is the largest number of set-ups that one engine measures in turns.
const MaxLanes = 8

// SendGrace is how much longer than its duration a trial may send, for frames
// that the send path delayed.
const SendGrace = 20 * time.Millisecond
