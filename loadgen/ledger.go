package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// StreamLedger is what became of one stream's frames, to the frame:
//
//	offered = received + late + what never came back or came back damaged
type StreamLedger struct {
	Intended, Offered                uint64
	Received, Late                   uint64 // distinct, intact frames of this trial
	Duplicated, Reordered, Corrupted uint64
	Stale, Foreign                   uint64 // an earlier trial's frames; nobody's
	Latency, LatencyQuiet            *rfc2544.Distribution
	Span                             time.Duration // from the first frame received to the last
}

// Ledger is what a trial showed.
type Ledger struct {
	Trial   uint16
	Streams []StreamLedger
	// Latency and LatencyQuiet are of all streams' frames together.
	Latency, LatencyQuiet *rfc2544.Distribution
	Duration              time.Duration // spent sending, pauses left out
	Paused                time.Duration // that the machine took from the schedule
	Lateness              *rfc2544.Distribution
	// LatenessQuiet leaves out frames sent in a slice that a stall touched.
	LatenessQuiet *rfc2544.Distribution
	Stalls        []rfc2544.Stall
	StallsBeyond  uint64                // more than the list holds
	Stolen        map[int]time.Duration // per core, what the canary saw taken away
	// Probe is how long a core took for a piece of work that is always the same,
	// on average over the trial: its speed.
	Probe map[int]time.Duration
	// Fastest is the least average of 16 probes in a row that a core showed in any
	// trial since the engine began: what it can do while the tester is at work.
	Fastest map[int]time.Duration
	Attack  AttackLedger
	Dropped uint64        // frames that found the tester's own receiver full
	Work    time.Duration // of the tester's core: sending, and the receive path that runs in its wake
}

// AttackLedger is what was sent of mutants.
type AttackLedger struct {
	Sent, Octets uint64 // whole frames
	Refused      uint64 // that the kernel would not make
	Repeats      uint64 // times that it began again with the first
}
