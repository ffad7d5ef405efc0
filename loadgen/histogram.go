package loadgen

import (
	"math/bits"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A histogram's buckets, the same as in the kernel's half: values below 128 ns
// have one each, above there are 128 per octave, so a bucket is at most 0.8 %
// of its values wide. Everything from 2^35 ns (34 s) on shares the last one.
const (
	subBits = 7
	sub     = 1 << subBits
	topBit  = 34
	buckets = (topBit - subBits + 2) * sub
)

// bucketOf is where the value v is counted.
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

// middle is the value that stands for bucket b.
func middle(b int) uint64 {
	if b < 2*sub {
		return uint64(b)
	}
	shift := b>>subBits - 1
	low := uint64(b-shift<<subBits) << shift
	return low + 1<<shift/2
}

// histogram counts every sample; its extremes are exact.
type histogram struct {
	least, most uint64
	counts      [buckets]uint32
}

func newHistogram() *histogram { return &histogram{least: never} }

// never is more than any sample.
const never = ^uint64(0)

// add counts one sample; it never allocates.
func (h *histogram) add(v uint64) {
	h.least, h.most = min(h.least, v), max(h.most, v)
	h.counts[bucketOf(v)]++
}

// merge adds the samples of o.
func (h *histogram) merge(o *histogram) {
	h.least, h.most = min(h.least, o.least), max(h.most, o.most)
	for b, n := range o.counts {
		h.counts[b] += n
	}
}

// samples is how many there are.
func (h *histogram) samples() (n uint64) {
	for _, c := range h.counts {
		n += uint64(c)
	}
	return n
}

// ranked is the sample of that rank, from 1 for the least up.
func (h *histogram) ranked(rank uint64) time.Duration {
	var sum uint64
	for b, c := range h.counts {
		if sum += uint64(c); sum >= rank {
			return time.Duration(min(max(middle(b), h.least), h.most))
		}
	}
	return time.Duration(h.most)
}

// distribution summarises the samples. It is nil when there are none. A
// percentile is the smallest value with F(x) >= p (RFC 2330 section 11.3).
func (h *histogram) distribution() *rfc2544.Distribution {
	n := h.samples()
	if n == 0 {
		return nil
	}
	at := func(perMille uint64) time.Duration { return h.ranked((n*perMille + 999) / 1000) }
	return &rfc2544.Distribution{
		N: n, Min: time.Duration(h.least), P50: at(500), P90: at(900), P99: at(990), P999: at(999), Max: time.Duration(h.most),
	}
}
