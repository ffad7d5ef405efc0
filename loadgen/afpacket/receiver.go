package afpacket

import (
	"bytes"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// receiver classifies and counts the received frames of one stream. It checks a frame in the same
// order as bpf/tester.c.
type receiver struct {
	loadgen.Layout
	signature signature.Signature // trial and stream of the frames
	template  []byte
	frames    uint64   // number of frames to send; a frame with a higher number is corrupted
	late      uint64   // loss timeout in ns
	seen      []uint64 // bitmap of the received frames
	capture   *capture // nil: no capture

	loadgen.StreamLedger
	next        uint64                // highest sequence number so far plus 1
	first, last uint64                // receive times of the first and the last frame
	latency     [2]*loadgen.Histogram // of all frames, and of frames without a stall

	silence, silentFrom uint64  // length and start of the longest time without a frame in ns
	delays              *delays // nil: the plan has no tags
}

// frameIn is a received frame.
type frameIn struct {
	data   []byte
	length int    // length on the wire in bytes; data is shorter if the ring has cut the frame
	at     uint64 // receive time in the kernel (CLOCK_MONOTONIC, ns)
	read   uint64 // time at which the tester read the frame; every earlier frame was sent before
}

// newReceiver returns a receiver for the frames of s. seen is an empty bitmap with at least frames
// bits.
func newReceiver(s *stamper, frames uint64, late time.Duration, seen []uint64) *receiver {
	return &receiver{
		Layout: s.Layout, signature: s.signature, template: s.template, frames: frames, late: uint64(late), seen: seen,
		latency: [2]*loadgen.Histogram{loadgen.NewHistogram(), loadgen.NewHistogram()},
	}
}

// verdict is the class of a received frame.
type verdict uint8

const (
	asReceived verdict = iota
	asLate
	asDuplicated
	asCorrupted
	asStale
	asForeign
)

// add classifies and counts a frame. Frames with a send time before quietSince were sent in a slice
// with a stall.
func (r *receiver) add(a frameIn, quietSince uint64) {
	v, stamp, reordered := r.classify(&a)
	switch v {
	case asForeign:
		r.Foreign++
	case asStale:
		r.Stale++
	case asCorrupted:
		r.Corrupted++
	case asDuplicated:
		r.Duplicated++
	case asLate:
		r.Late++
	case asReceived:
		r.Received++
	}
	if v == asReceived || v == asLate {
		r.time(a.at, stamp.SentAt, quietSince)
	}
	if r.capture != nil {
		r.capture.add(a, v, stamp, reordered)
	}
}

// classify returns the class of a frame and sets the bit of its sequence number in seen.
func (r *receiver) classify(a *frameIn) (v verdict, stamp signature.Signature, reordered bool) {
	stamp, err := signature.Parse(a.data[min(r.Payload, len(a.data)):])
	switch {
	case err == signature.ErrForeign:
		return asForeign, stamp, false
	case err != nil:
		return asCorrupted, stamp, false
	case stamp.Stream != r.signature.Stream:
		return asForeign, stamp, false
	case stamp.Trial != r.signature.Trial:
		return asStale, stamp, false
	case uint64(stamp.Sequence) >= r.frames || stamp.SentAt > a.read || r.differs(a):
		return asCorrupted, stamp, false
	}
	word, bit := &r.seen[stamp.Sequence>>6], uint64(1)<<(stamp.Sequence&63)
	if *word&bit != 0 {
		return asDuplicated, stamp, false
	}
	*word |= bit
	a.at = max(a.at, stamp.SentAt) // the converted receive time can be about 100 ns too early
	sequence := uint64(stamp.Sequence)
	if r.delays != nil {
		r.delays.record(sequence, r.next, a.at-stamp.SentAt)
	}
	if sequence < r.next {
		r.Reordered++
		reordered = true
	} else {
		if sequence > r.next {
			r.Gaps++
		}
		r.next = sequence + 1
	}
	if a.at-stamp.SentAt > r.late {
		return asLate, stamp, reordered
	}
	return asReceived, stamp, reordered
}

// differs reports whether the length or the payload of a frame differs from the sent frame.
func (r *receiver) differs(a *frameIn) bool {
	behind := r.Payload + signature.Len
	return a.length != len(r.template) || len(a.data) != a.length || !bytes.Equal(a.data[behind:], r.template[behind:])
}

// time records the latency of a received or late frame.
func (r *receiver) time(at, sent, quietSince uint64) {
	if r.first == 0 {
		r.first = at
	} else if at > r.last && at-r.last > r.silence {
		r.silence, r.silentFrom = at-r.last, r.last
	}
	r.last = max(r.last, at)
	r.latency[0].Add(at - sent)
	if sent >= quietSince {
		r.latency[1].Add(at - sent)
	}
}

// back returns the number of received and late frames. It counts no duplicated and no corrupted
// frames.
func (r *receiver) back() uint64 { return r.Received + r.Late }

func (r *receiver) arrived() uint64 { return r.back() + r.Duplicated + r.Corrupted + r.Stale }

// ledger returns the result of the stream after the tester has sent offered frames.
func (r *receiver) ledger(p loadgen.Plan, offered uint64) loadgen.StreamLedger {
	l := r.StreamLedger
	l.Intended, l.Offered, l.Lost = p.Intended(offered), offered, offered-l.Received
	l.Latency, l.LatencyQuiet = r.latency[0].Distribution(), r.latency[1].Distribution()
	l.Span = time.Duration(r.last - r.first)
	return l
}
