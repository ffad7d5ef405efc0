package afpacket

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Limits of a capture.
const (
	witnessAround = 4  // frames before and after an incident
	witnessMost   = 16 // incidents of a kind
	witnessGap    = 4  // frames of a gap
)

// witness keeps the frames around the first anomalies of each kind in a stream, for a capture
// file.
type witness struct {
	recent  [witnessAround]sighting // a ring: what came last and is not in the log
	recents int
	log     []sighting
	seen    map[string]int // incidents by kind
	after   int            // frames that are still to be logged
	next    uint64         // the lowest number not yet passed
	damaged []uint64       // numbers of corrupted frames, as far as they can be read
	last    uint64         // when a frame came

	mistaken int // gaps that were no loss
}

// sighting is one frame of a capture, received or missing.
type sighting struct {
	data     []byte // nil: missing, to be rebuilt from its number
	length   int
	at       uint64 // CLOCK_MONOTONIC, ns; of a missing frame, when that showed
	sequence uint64
	comment  string
	alone    bool // nothing else is missing beside it
}

// newWitness returns a capture with buffers for frames of up to that many bytes.
func newWitness(octets int) *witness {
	w := &witness{seen: map[string]int{}}
	for i := range w.recent {
		w.recent[i].data = make([]byte, 0, octets)
	}
	return w
}

// saw records a frame that the receiver has classified.
func (w *witness) saw(a frameIn, v verdict, stamp signature.Signature, reordered bool) {
	sequence := uint64(stamp.Sequence)
	kind := ""
	switch {
	case reordered:
		kind = "reordered"
		w.came(sequence)
	case v == asDuplicated:
		kind = "duplicated"
	case v == asCorrupted:
		kind = "corrupted"
		if len(w.damaged) < witnessMost {
			w.damaged = append(w.damaged, sequence)
		}
	case v == asForeign:
		kind = "foreign"
	case v == asReceived || v == asLate:
		if sequence > w.next {
			w.gap(w.next, sequence, a.at)
		}
		w.next = sequence + 1
	}
	w.last = a.at
	w.keep(a, sequence, kind)
}

// keep logs a frame that is an incident or near one, and remembers others for a while.
func (w *witness) keep(a frameIn, sequence uint64, kind string) {
	if w.incident(kind) {
		comment := fmt.Sprintf("%s: frame %d", kind, sequence)
		w.log = append(w.log, sighting{data: bytes.Clone(a.data), length: a.length, at: a.at, sequence: sequence, comment: comment})
		return
	}
	if w.after > 0 {
		w.after--
		w.log = append(w.log, sighting{data: bytes.Clone(a.data), length: a.length, at: a.at, sequence: sequence, comment: kind})
		return
	}
	slot := &w.recent[w.recents%witnessAround]
	w.recents++
	slot.data = append(slot.data[:0], a.data...)
	slot.length, slot.at, slot.sequence, slot.comment = a.length, a.at, sequence, kind
}

// incident reports whether one more anomaly of that kind is kept. If so, the frames just before it
// are written to the log, and so are the frames that follow.
func (w *witness) incident(kind string) bool {
	if kind == "" || w.seen[kind] == witnessMost {
		return false
	}
	w.seen[kind]++
	for i := max(0, w.recents-witnessAround); i < w.recents; i++ {
		s := w.recent[i%witnessAround]
		s.data = bytes.Clone(s.data)
		w.log = append(w.log, s)
	}
	w.recents, w.after = 0, witnessAround
	return true
}

// gap notes that the numbers from first to before end are missing at a time.
func (w *witness) gap(first, end, at uint64) {
	kind, alone := "lost", end-first == 1
	if alone && slices.Contains(w.damaged, first) {
		kind = "not lost but corrupted" // which shall not use up what is kept of losses
	}
	if !w.incident(kind) {
		return
	}
	w.after++ // the frame behind the gap
	for n := first; n < min(end, first+witnessGap); n++ {
		comment := fmt.Sprintf("lost: frame %d as it was sent, rebuilt; one of %d that are missing here", n, end-first)
		if slices.Contains(w.damaged, n) {
			comment = fmt.Sprintf("frame %d as it was sent, rebuilt: it came corrupted", n)
		}
		w.log = append(w.log, sighting{sequence: n, at: at, comment: comment, alone: alone})
	}
}

// came corrects the record of a frame that was taken for lost.
func (w *witness) came(sequence uint64) {
	for i := range w.log {
		if s := &w.log[i]; s.data == nil && s.sequence == sequence {
			s.comment = fmt.Sprintf("frame %d as it was sent, rebuilt: missing here, it came later, reordered", sequence)
			if s.alone && w.mistaken < witnessMost {
				w.mistaken++
				w.seen["lost"]--
			}
		}
	}
}

// finish records the missing frames after offered frames were sent.
func (w *witness) finish(offered uint64) {
	if offered > w.next {
		w.gap(w.next, offered, w.last)
	}
}
