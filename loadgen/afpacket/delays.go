package afpacket

import (
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// delays is what the receiver of a trial with tags keeps of frames, besides the
// counts: how long the tagged ones took, and how much each differed from the one before.
type delays struct {
	tags         []uint64 // as in bpf/tester.c: one too long, 0 where none came
	first, every uint64   // frames
	took         uint64   // by the frame with the highest number so far, plus one; 0: nothing came
	differences  loadgen.Differences
}

// newDelays is nil where the plan has no tags.
func newDelays(p loadgen.Plan) *delays {
	if p.TagFrom == 0 {
		return nil
	}
	d := &delays{tags: make([]uint64, rfc2544.MaxTags), differences: loadgen.NewDifferences()}
	d.first, d.every = p.Tags()
	return d
}

// record stores the delay of frame sequence in ns; next is the lowest number not seen yet. Only
// neighbouring frames give a delay difference (RFC 3393).
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
