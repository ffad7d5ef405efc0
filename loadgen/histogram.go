package loadgen

import (
	"math/bits"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The buckets of a histogram, which are the same in bpf/tester.c. Each value below 128 ns has its own
// bucket. Above that, each power of two is divided into 128 buckets, so the width of a bucket is at
// most 0.8 % of its values. The last bucket counts all values from 2^35 ns (34 s).
const (
	subBits = 7
	sub     = 1 << subBits
	topBit  = 34
	buckets = (topBit - subBits + 2) * sub
)

// bucketOf returns the bucket that counts the value v.
func bucketOf(v uint64) int {
	if v < sub {
		return int(v)
	}
	if v>>(topBit+1) != 0 {
		return buckets - 1
	}
	shift := bits.Len64(v) - 1 - subBits
	return shift<<subBits + int(v>>shift)
}

// middle returns the value in the middle of bucket b, which represents all values in the bucket.
func middle(b int) uint64 {
	if b < 2*sub {
		return uint64(b)
	}
	shift := b>>subBits - 1
	low := uint64(b-shift<<subBits) << shift
	return low + 1<<shift/2
}

// Histogram counts samples in ns. Least and Most are exact.
type Histogram struct {
	Least, Most uint64
	Counts      [buckets]uint32
}

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram { return &Histogram{Least: Never} }

// Never is larger than every sample.
const Never = ^uint64(0)

// Add adds a sample. It does not allocate memory.
func (h *Histogram) Add(v uint64) {
	h.Least, h.Most = min(h.Least, v), max(h.Most, v)
	h.Counts[bucketOf(v)]++
}

// Merge adds the samples of o.
func (h *Histogram) Merge(o *Histogram) {
	h.Least, h.Most = min(h.Least, o.Least), max(h.Most, o.Most)
	for b, n := range o.Counts {
		h.Counts[b] += n
	}
}

// samples returns the number of samples.
func (h *Histogram) samples() (n uint64) {
	for _, c := range h.Counts {
		n += uint64(c)
	}
	return n
}

// ranked returns the sample with the given rank in ascending order. The smallest sample has rank 1.
func (h *Histogram) ranked(rank uint64) time.Duration {
	var sum uint64
	for b, c := range h.Counts {
		if sum += uint64(c); sum >= rank {
			return time.Duration(min(max(middle(b), h.Least), h.Most))
		}
	}
	return time.Duration(h.Most)
}

// Distribution returns a summary of the samples, or nil if there are none. A percentile p is the
// smallest value x with F(x) >= p (RFC 2330 section 11.3).
func (h *Histogram) Distribution() *rfc2544.Distribution {
	n := h.samples()
	if n == 0 {
		return nil
	}
	at := func(perMille uint64) time.Duration { return h.ranked((n*perMille + 999) / 1000) }
	return &rfc2544.Distribution{
		N: n, Min: time.Duration(h.Least), P50: at(500), P90: at(900), P99: at(990), P999: at(999), Max: time.Duration(h.Most),
	}
}
