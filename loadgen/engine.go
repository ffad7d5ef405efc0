package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Port is an interface of the tester.
type Port struct {
	Index int                      // interface index in the network namespace of the port
	Enter func(func() error) error // runs a function in that namespace
}

// EngineConfig holds the options of an engine.
type EngineConfig struct {
	Ports     [2]Port
	More      [][2]Port // ports of more set-ups; the xdp engine measures all set-ups in turns
	Tester    int       // number of the core that sends and receives
	DUT       []int     // numbers of the device's cores, on which the engine detects stalls
	MaxFrames uint64    // maximum number of frames of a stream in a trial
	Flows     int       // maximum number of flows of a stream; 0: MaxNetworks
	// OwnProcesses holds the process IDs of the lab. OwnNetworks holds the inode numbers of the network
	// namespaces of the set-ups. Any other program on a core of the tester or device disturbs a trial.
	OwnProcesses []int
	OwnNetworks  []uint32
	Largest      rfc2544.FrameSize // largest frame size in a trial; 0: rfc2544.MaxFrame
	// Underlay is the interface on which the xdp engine sends the frames of LoadMutants. If Underlay is
	// nil, the engine sends none. The other end of the veth pair must have GRO on. MutantRoom is the
	// memory for mutants in bytes.
	Underlay   *Port
	MutantRoom int
	Chained    bool // the xdp engine's Chain is going to be used
}

// Constants of both engines for stalls and slices.
const (
	StallLimit = 500 * time.Microsecond // an interruption of a core that is longer than this is a stall
	SliceTime  = 10 * time.Millisecond  // length of a slice of a trial
	MaxStalls  = 4096                   // maximum number of stalls in Ledger.Stalls
)

// MaxLanes is the largest number of set-ups that one engine measures in turns.
const MaxLanes = 8

// SendGrace is the time after the end of a trial in which the tester still sends delayed frames.
const SendGrace = 20 * time.Millisecond
