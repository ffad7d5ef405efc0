package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// delays is what the receiver of a trial with tags keeps of frames, besides the
// counts: how long the tagged ones took, and how much each differed from the one before.
type delays struct {
	tags         []uint64 // as in bpf/tester.c: one too long, 0 where none came
	first, every uint64   // frames
	took         uint64   // by the frame with the highest number so far, plus one; 0: nothing came
	variation    variation
}

// newDelays is nil where the plan has no tags.
func newDelays(p Plan) *delays {
	if p.Traffic.TagFrom == 0 {
		return nil
	}
	d := &delays{tags: make([]uint64, rfc2544.MaxTags), variation: newVariation()}
	d.first, d.every = p.trial().Tags()
	return d
}

// book keeps what frame sequence took, in ns, where next is the lowest number
// not yet passed. Only a frame and the one right behind it make a difference (RFC 3393).
func (d *delays) book(sequence, next, took uint64) {
	if after := sequence - d.first; sequence >= d.first && after%d.every == 0 && after/d.every < uint64(len(d.tags)) {
		d.tags[after/d.every] = took + 1
	}
	if sequence == next && d.took > 0 {
		d.variation.add(int64(took) + 1 - int64(d.took))
	}
	if sequence >= next {
		d.took = took + 1
	}
}

// variation is a histogram of differences: how much longer a frame took than
// the one before it, and how much less long.
type variation struct{ longer, shorter *histogram }

func newVariation() variation { return variation{newHistogram(), newHistogram()} }

// add counts a difference; it never allocates.
func (v variation) add(d int64) {
	if d >= 0 {
		v.longer.add(uint64(d))
	} else {
		v.shorter.add(uint64(-d))
	}
}

func (v variation) merge(o variation) {
	v.longer.merge(o.longer)
	v.shorter.merge(o.shorter)
}

// summary is nil when there are no differences.
func (v variation) summary() *rfc2544.Variation {
	less, more := v.shorter.samples(), v.longer.samples()
	if less+more == 0 {
		return nil
	}
	out := rfc2544.Variation{N: less + more}
	if rank := (less + more + 1) / 2; rank <= less {
		out.Median = -v.shorter.ranked(less - rank + 1)
	} else {
		out.Median = v.longer.ranked(rank - less)
	}
	out.Min, out.Max = time.Duration(v.longer.least), time.Duration(v.longer.most)
	if less > 0 {
		out.Min = -time.Duration(v.shorter.most)
	}
	if more == 0 {
		out.Max = -time.Duration(v.shorter.least)
	}
	return &out
}

// tagged are delays of tagged frames, from ones that are one too long and 0
// where no frame came.
func tagged(raw []uint64, p Plan, offered uint64) []time.Duration {
	first, every := p.trial().Tags()
	var out []time.Duration
	for i := uint64(0); first+i*every < offered && i < uint64(len(raw)); i++ {
		took := rfc2544.TagLost
		if raw[i] > 0 {
			took = time.Duration(raw[i] - 1)
		}
		out = append(out, took)
	}
	return out
}
