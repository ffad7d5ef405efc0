package loadgen

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Differences holds the delay variation (RFC 3393): the differences between the delays of two
// consecutive frames in ns. Longer holds the differences from 0 up, and Shorter holds the absolute
// values of the negative differences.
type Differences struct{ Longer, Shorter *Histogram }

// NewDifferences returns Differences without samples.
func NewDifferences() Differences { return Differences{NewHistogram(), NewHistogram()} }

// Add adds a difference in ns. It does not allocate memory.
func (v Differences) Add(d int64) {
	if d >= 0 {
		v.Longer.Add(uint64(d))
	} else {
		v.Shorter.Add(uint64(-d))
	}
}

// Merge adds the samples of o.
func (v Differences) Merge(o Differences) {
	v.Longer.Merge(o.Longer)
	v.Shorter.Merge(o.Shorter)
}

// Summary returns a summary of the differences, or nil if there are none.
func (v Differences) Summary() *rfc2544.Variation {
	less, more := v.Shorter.samples(), v.Longer.samples()
	if less+more == 0 {
		return nil
	}
	out := rfc2544.Variation{N: less + more}
	if rank := (less + more + 1) / 2; rank <= less {
		out.Median = -v.Shorter.ranked(less - rank + 1)
	} else {
		out.Median = v.Longer.ranked(rank - less)
	}
	out.Min, out.Max = time.Duration(v.Longer.Least), time.Duration(v.Longer.Most)
	if less > 0 {
		out.Min = -time.Duration(v.Shorter.Most)
	}
	if more == 0 {
		out.Max = -time.Duration(v.Shorter.Least)
	}
	return &out
}

// TagDelays returns the delays of the tagged frames of a stream, of which offered frames were sent.
// raw holds the delay of each tagged frame plus 1 in ns, or 0 if the frame did not arrive.
func (p Plan) TagDelays(raw []uint64, offered uint64) []time.Duration {
	first, every := p.Tags()
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
