package afpacket

import (
	"bytes"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// receiver books the frames of one stream: the receiving half of bpf/tester.c
// in Go, with its order of judgements.
type receiver struct {
	loadgen.Layout
	signature signature.Signature // trial and stream
	template  []byte
	frames    uint64 // intended: higher numbers were never sent
	late      uint64 // ns
	seen      []uint64
	witness   *witness // nil: nobody wants to see the frames themselves

	loadgen.StreamLedger                       // its counts
	next                 uint64                // the lowest number not yet passed
	first, last          uint64                // when a frame was received
	latency              [2]*loadgen.Histogram // all, and what no stall touched

	silence, silentFrom uint64  // the longest time without a frame
	delays              *delays // nil: no tags
}

// frameIn is a received frame.
type frameIn struct {
	data   []byte
	length int    // on the wire, in octets
	at     uint64 // when the kernel had it: CLOCK_MONOTONIC, ns
	read   uint64 // when the tester looked, no earlier than anything was sent
}

// newReceiver books what s sends; seen has a bit for each of frames.
func newReceiver(s *stamper, frames uint64, late time.Duration, seen []uint64) *receiver {
	return &receiver{
		Layout: s.Layout, signature: s.signature, template: s.template, frames: frames, late: uint64(late), seen: seen,
		latency: [2]*loadgen.Histogram{loadgen.NewHistogram(), loadgen.NewHistogram()},
	}
}

// verdict is how the receiver classifies a frame.
type verdict uint8

const (
	asReceived verdict = iota
	asLate
	asDuplicated
	asCorrupted
	asStale
	asForeign
)

// book puts a frame where it belongs. Frames stamped before quietSince met a stall.
func (r *receiver) book(a frameIn, quietSince uint64) {
	v, stamp, reordered := r.judge(&a)
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
	if r.witness != nil {
		r.witness.saw(a, v, stamp, reordered)
	}
}

// judge says what the frame is, and marks its number as seen.
func (r *receiver) judge(a *frameIn) (v verdict, stamp signature.Signature, reordered bool) {
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
	a.at = max(a.at, stamp.SentAt) // the kernel's clock and ours are two: they differ by some 100 ns
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

// differs reports whether the length or the payload is not what was sent.
func (r *receiver) differs(a *frameIn) bool {
	behind := r.Payload + signature.Len
	return a.length != len(r.template) || len(a.data) != a.length || !bytes.Equal(a.data[behind:], r.template[behind:])
}

// time counts the latency of a distinct, intact frame.
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

// back is how many distinct, intact frames arrived; seenAtAll is how many of the tester's own.
func (r *receiver) back() uint64 { return r.Received + r.Late }

func (r *receiver) arrived() uint64 { return r.back() + r.Duplicated + r.Corrupted + r.Stale }

// ledger returns the result for the stream after offered frames were sent.
func (r *receiver) ledger(p loadgen.Plan, offered uint64) loadgen.StreamLedger {
	l := r.StreamLedger
	l.Intended, l.Offered, l.Lost = p.Intended(offered), offered, offered-l.Received
	l.Latency, l.LatencyQuiet = r.latency[0].Distribution(), r.latency[1].Distribution()
	l.Span = time.Duration(r.last - r.first)
	return l
}
