package afpacket

import (
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// delays holds the delays of the tagged frames and the delay variation of all frames. Only trials
// with tags have delays.
type delays struct {
	tags         []uint64 // delay of each tagged frame plus 1 in ns; 0: not received
	first, every uint64   // number of the first tagged frame, and frames between two tagged frames
	took         uint64   // delay plus 1 in ns of the frame with the highest number; 0: nothing received
	differences  loadgen.Differences
}

// newDelays returns nil if the plan has no tags.
func newDelays(p loadgen.Plan) *delays {
	if p.TagFrom == 0 {
		return nil
	}
	d := &delays{tags: make([]uint64, rfc2544.MaxTags), differences: loadgen.NewDifferences()}
	d.first, d.every = p.Tags()
	return d
}

// record records the delay took in ns of the frame sequence. next is the highest sequence number so
// far plus 1. Only two frames with consecutive numbers give a delay difference (RFC 3393).
func (d *delays) record(sequence, next, took uint64) {
	if after := sequence - d.first; sequence >= d.first && after%d.every == 0 && after/d.every < uint64(len(d.tags)) {
		d.tags[after/d.every] = took + 1
	}
	if sequence == next && d.took > 0 {
		d.differences.Add(int64(took) + 1 - int64(d.took))
	}
	if sequence >= next {
		d.took = took + 1
	}
}
