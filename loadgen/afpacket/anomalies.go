package afpacket

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Limits of a capture.
const (
	contextFrames = 4  // frames that are kept before and after an incident
	maxIncidents  = 16 // incidents of the same kind that are kept
	maxGapFrames  = 4  // missing frames of a gap that are kept
)

// capture keeps the frames around the first incidents of each kind in a stream, for a capture
// file. The kinds are lost, reordered, duplicated, corrupted and foreign frames.
type capture struct {
	recent  [contextFrames]capturedFrame // ring of the last frames that are not in the log
	recents int                          // number of frames that were written to the ring
	log     []capturedFrame
	counts  map[string]int // number of incidents by kind
	after   int            // number of following frames that still go into the log
	next    uint64         // highest sequence number so far plus 1
	damaged []uint64       // sequence numbers of corrupted frames
	last    uint64         // receive time of the last frame (CLOCK_MONOTONIC, ns)

	mistaken int // number of gaps whose frame arrived later
}

// capturedFrame is a received frame or a missing frame in a capture.
type capturedFrame struct {
	data     []byte // nil: a missing frame, which encodeCapture rebuilds from its sequence number
	length   int    // length on the wire in bytes
	at       uint64 // receive time, or the time at which the gap was detected (CLOCK_MONOTONIC, ns)
	sequence uint64
	comment  string
	alone    bool // the frame is the only missing frame of its gap
}

// newCapture returns an empty capture. largest is the length of the largest frame in bytes.
func newCapture(largest int) *capture {
	c := &capture{counts: map[string]int{}}
	for i := range c.recent {
		c.recent[i].data = make([]byte, 0, largest)
	}
	return c
}

// add adds a frame that the receiver has classified.
func (c *capture) add(a frameIn, v verdict, stamp signature.Signature, reordered bool) {
	sequence := uint64(stamp.Sequence)
	kind := ""
	switch {
	case reordered:
		kind = "reordered"
		c.markReordered(sequence)
	case v == asDuplicated:
		kind = "duplicated"
	case v == asCorrupted:
		kind = "corrupted"
		if len(c.damaged) < maxIncidents {
			c.damaged = append(c.damaged, sequence)
		}
	case v == asForeign:
		kind = "foreign"
	case v == asReceived || v == asLate:
		if sequence > c.next {
			c.gap(c.next, sequence, a.at)
		}
		c.next = sequence + 1
	}
	c.last = a.at
	c.keep(a, sequence, kind)
}

// keep writes a frame to the log if the frame is an incident or follows an incident. It writes all
// other frames to the ring.
func (c *capture) keep(a frameIn, sequence uint64, kind string) {
	if c.incident(kind) {
		comment := fmt.Sprintf("%s: frame %d", kind, sequence)
		c.log = append(c.log, capturedFrame{data: bytes.Clone(a.data), length: a.length, at: a.at, sequence: sequence, comment: comment})
		return
	}
	if c.after > 0 {
		c.after--
		c.log = append(c.log, capturedFrame{data: bytes.Clone(a.data), length: a.length, at: a.at, sequence: sequence, comment: kind})
		return
	}
	slot := &c.recent[c.recents%contextFrames]
	c.recents++
	slot.data = append(slot.data[:0], a.data...)
	slot.length, slot.at, slot.sequence, slot.comment = a.length, a.at, sequence, kind
}

// incident reports whether the capture keeps one more incident of that kind. If so, it writes the
// frames before the incident to the log. The frames after the incident will follow.
func (c *capture) incident(kind string) bool {
	if kind == "" || c.counts[kind] == maxIncidents {
		return false
	}
	c.counts[kind]++
	for i := max(0, c.recents-contextFrames); i < c.recents; i++ {
		s := c.recent[i%contextFrames]
		s.data = bytes.Clone(s.data)
		c.log = append(c.log, s)
	}
	c.recents, c.after = 0, contextFrames
	return true
}

// gap adds the missing frames from first to end-1 to the log. at is the time at which the gap was
// detected.
func (c *capture) gap(first, end, at uint64) {
	kind, alone := "lost", end-first == 1
	if alone && slices.Contains(c.damaged, first) {
		kind = "not lost but corrupted" // a separate kind, because the frame is not lost
	}
	if !c.incident(kind) {
		return
	}
	c.after++ // the frame after the gap
	for n := first; n < min(end, first+maxGapFrames); n++ {
		comment := fmt.Sprintf("lost: frame %d as it was sent, rebuilt; one of %d that are missing here", n, end-first)
		if slices.Contains(c.damaged, n) {
			comment = fmt.Sprintf("frame %d as it was sent, rebuilt: it came corrupted", n)
		}
		c.log = append(c.log, capturedFrame{sequence: n, at: at, comment: comment, alone: alone})
	}
}

// markReordered corrects the comment of a frame that was missing and has arrived later.
func (c *capture) markReordered(sequence uint64) {
	for i := range c.log {
		if s := &c.log[i]; s.data == nil && s.sequence == sequence {
			s.comment = fmt.Sprintf("frame %d as it was sent, rebuilt: missing here, it came later, reordered", sequence)
			if s.alone && c.mistaken < maxIncidents {
				c.mistaken++
				c.counts["lost"]--
			}
		}
	}
}

// finish adds the frames that are missing at the end of a trial in which offered frames were sent.
func (c *capture) finish(offered uint64) {
	if offered > c.next {
		c.gap(c.next, offered, c.last)
	}
}
