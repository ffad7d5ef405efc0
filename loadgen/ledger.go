package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// StreamLedger is what became of one stream's frames, to the frame.
type StreamLedger struct {
	rfc2544.Counts
	Latency, LatencyQuiet *rfc2544.Distribution
	Span                  time.Duration  // from the first frame received to the last
	Gaps                  uint64         // times that a later frame came in place of one
	LastLost              *time.Duration // when the last frame that never came was sent, since the start
	Silence               *rfc2544.Gap
	Tags                  []time.Duration // of trials with tags; rfc2544.TagLost for one that never came
}

// Ledger is what a trial showed.
type Ledger struct {
	Trial   uint16
	Streams []StreamLedger
	// Latency and LatencyQuiet are of all streams' frames together.
	Latency, LatencyQuiet *rfc2544.Distribution
	Variation             *rfc2544.Variation // of all streams' neighbours, in trials with tags
	Duration              time.Duration      // spent sending, pauses left out
	Paused                time.Duration      // that the machine took from the schedule
	Lateness              *rfc2544.Distribution
	// LatenessQuiet leaves out frames sent in a slice that a stall touched.
	LatenessQuiet *rfc2544.Distribution
	Stalls        []rfc2544.Stall
	StallsBeyond  uint64                // more than the list holds
	Stolen        map[int]time.Duration // per core, what the canary saw taken away
	// Probe is how long a core took for a piece of work that is always the same,
	// on average over the trial: its speed.
	Probe map[int]time.Duration
	// Fastest is, per core, the least average of 16 probes in a row in any trial of this engine: the
	// speed of the core while the tester works.
	Fastest map[int]time.Duration
	Attack  AttackLedger
	// Slices cut the trial into pieces of SliceTime; nil if the engine does not. Begin is when the first
	// one began (CLOCK_MONOTONIC, ns).
	Slices []Slice
	Begin  uint64
	// Others is the time that programs which are neither the lab's nor the device's had on a core, slice
	// by slice; nil if the kernel cannot tell. Programs names the last one of each core.
	Others   map[int][]time.Duration
	Programs map[int]string
	Dropped  uint64        // frames that found the tester's own receiver full
	Work     time.Duration // of the tester's core: sending, and the receive path that runs in its wake
}

// AttackLedger counts the mutants that were sent.
type AttackLedger struct {
	Sent, Octets uint64 // whole frames
	Refused      uint64 // that the kernel would not make
	Repeats      uint64 // times that it began again with the first
}

// RecordLastLost sets LastLost from the bitmap of the frames that came, read word by word.
func (s *StreamLedger) RecordLastLost(c Pace, stalls []rfc2544.Stall, word func(i uint64) uint64) {
	if n, ok := lastMissing(s.Offered, word); ok {
		at := c.sentAt(n, stalls)
		s.LastLost = &at
	}
}

// SilenceOf is the longest time without a frame, on the clock of start (ns), or nil if there was none.
func SilenceOf(from, length, start uint64) *rfc2544.Gap {
	if length == 0 || from < start {
		return nil
	}
	return &rfc2544.Gap{At: time.Duration(from - start), Length: time.Duration(length)}
}
