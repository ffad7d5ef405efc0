package loadgen

import (
	"math/bits"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// StreamLedger counts every frame of one stream in a trial.
type StreamLedger struct {
	rfc2544.Counts
	Latency, LatencyQuiet *rfc2544.Distribution
	Span                  time.Duration   // time from the first received frame to the last
	Gaps                  uint64          // number of frames that arrived with a higher sequence number than expected
	LastLost              *time.Duration  // send time of the last lost frame, since the start; nil: none lost
	Silence               *rfc2544.Gap    // the longest time without a received frame
	Tags                  []time.Duration // delays of the tagged frames; rfc2544.TagLost for a lost frame
	Flows                 []uint64        // number of received and late frames of each flow; nil with one flow
}

// Ledger is the result of a trial.
type Ledger struct {
	Trial   uint16
	Streams []StreamLedger
	// Latency is the latency of the frames of all streams. LatencyQuiet leaves out frames that were
	// sent in a slice with a stall.
	Latency, LatencyQuiet *rfc2544.Distribution
	Variation             *rfc2544.Variation    // delay variation of all streams, in trials with tags (RFC 3393)
	Duration              time.Duration         // time of sending without pauses
	Paused                time.Duration         // time for which stalls of the tester's core paused the schedule
	Lateness              *rfc2544.Distribution // delay of frames behind the schedule
	// LatenessQuiet leaves out frames that were sent in a slice with a stall.
	LatenessQuiet *rfc2544.Distribution
	Stalls        []rfc2544.Stall       // the first MaxStalls stalls
	StallsBeyond  uint64                // number of stalls that are not in Stalls
	Stolen        map[int]time.Duration // time that was taken away from each core
	// Probe is the average time in which each core did a fixed piece of work. It measures the speed of
	// the core during the trial.
	Probe map[int]time.Duration
	// Fastest is the smallest average of 16 consecutive probes on each core in all trials of this
	// engine. It measures the full speed of the core while the tester works.
	Fastest map[int]time.Duration
	Attack  AttackLedger
	// Slices holds the results for each slice of the trial. A slice is SliceTime long. Slices is nil if
	// the engine does not support slices. Begin is the start of the first slice (CLOCK_MONOTONIC, ns).
	Slices []Slice
	Begin  uint64
	// Others holds the CPU time of other programs on each core, by slice. Other programs belong neither
	// to the lab nor to the device. Others is nil if the kernel cannot report this. Programs holds the
	// name of the last other program on each core.
	Others   map[int][]time.Duration
	Programs map[int]string
	Dropped  uint64        // frames that the tester lost because its receive ring was full
	Work     time.Duration // CPU time of the tester's core for sending and the receive path that sending triggers
}

// AttackLedger counts the mutants (modified frames) that an attack sent.
type AttackLedger struct {
	Sent, Octets uint64 // number of mutants, and their total length in bytes
	Refused      uint64 // mutants that the kernel could not send
	Repeats      uint64 // number of times that the engine started again with the first mutant
}

// RecordLastLost sets LastLost. word returns word i of the bitmap of the received frames.
func (s *StreamLedger) RecordLastLost(c Pace, stalls []rfc2544.Stall, word func(i uint64) uint64) {
	if n, ok := lastMissing(s.Offered, word); ok {
		at := c.sentAt(n, stalls)
		s.LastLost = &at
	}
}

// RecordFlows sets Flows. Consecutive frames use the flows in turn; word returns word i of the bitmap of the received
// frames.
func (s *StreamLedger) RecordFlows(flows int, word func(i uint64) uint64) {
	if flows < 2 {
		return
	}
	s.Flows = make([]uint64, flows)
	for from := uint64(0); from < s.Offered; from += 64 {
		seen := word(from / 64)
		if left := s.Offered - from; left < 64 {
			seen &= 1<<left - 1
		}
		for ; seen != 0; seen &= seen - 1 {
			s.Flows[(from+uint64(bits.TrailingZeros64(seen)))%uint64(flows)]++
		}
	}
}

// SilenceOf returns the gap that began at from and lasted length, relative to start, all in ns. It
// returns nil if length is 0 or the gap began before start.
func SilenceOf(from, length, start uint64) *rfc2544.Gap {
	if length == 0 || from < start {
		return nil
	}
	return &rfc2544.Gap{At: time.Duration(from - start), Length: time.Duration(length)}
}

// OneWay reports whether frames were sent both ways and one of the ways carried nothing, or less than a
// thousandth of the other.
func (l Ledger) OneWay() bool {
	var least, most uint64
	for i, s := range l.Streams {
		received := s.Received + s.Late
		if i == 0 || received < least {
			least = received
		}
		most = max(most, received)
	}
	return least*1000 < most
}
