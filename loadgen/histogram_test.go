package loadgen

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The middle of every bucket except the last is within 1 % of every value in the bucket.
func TestBucketsAreNarrow(t *testing.T) {
	check := func(v uint64) {
		b := bucketOf(v)
		if b < 0 || b >= buckets {
			t.Fatalf("%d: bucket %d of %d", v, b, buckets)
		}
		diff := float64(middle(b)) - float64(v)
		if diff < 0 {
			diff = -diff
		}
		if diff > 0.01*float64(v) {
			t.Errorf("%d is counted as %d", v, middle(b))
		}
	}
	for v := range uint64(100000) {
		check(v)
	}
	for bit := range topBit + 1 {
		for _, v := range []uint64{1 << bit, 1<<bit - 1, 1<<bit + 1, 3 << bit >> 1} {
			if v < 1<<(topBit+1) {
				check(v)
			}
		}
	}
	if got := bucketOf(1 << (topBit + 1)); got != buckets-1 {
		t.Errorf("a value beyond the range is in bucket %d, want the last, %d", got, buckets-1)
	}
}

func TestBucketsAreInOrder(t *testing.T) {
	last := -1
	for v := uint64(0); v < 1<<20; v += 7 {
		b := bucketOf(v)
		if b < last {
			t.Fatalf("%d is in bucket %d, below that of a smaller value, %d", v, b, last)
		}
		last = b
	}
}

// The percentiles differ by at most 1 % from those of the sorted samples (RFC 2330 section 11.3).
func TestDistributionAgainstSorting(t *testing.T) {
	const seed = 20
	random := rand.New(rand.NewPCG(seed, seed))
	for _, n := range []int{1, 2, 3, 10, 999, 1000, 1001, 20000} {
		samples := make([]uint64, n)
		h, other := NewHistogram(), NewHistogram()
		for i := range samples {
			samples[i] = uint64(random.ExpFloat64() * 50000)
			if i%3 == 0 {
				other.Add(samples[i])
			} else {
				h.Add(samples[i])
			}
		}
		h.Merge(other)
		slices.Sort(samples)
		d := h.Distribution()
		if d.N != uint64(n) || d.Min != time.Duration(samples[0]) || d.Max != time.Duration(samples[n-1]) {
			t.Errorf("seed %d, n %d: %+v: count or extremes wrong", seed, n, *d)
		}
		for _, q := range []struct {
			perMille int
			got      time.Duration
		}{{500, d.P50}, {900, d.P90}, {990, d.P99}, {999, d.P999}} {
			want := float64(samples[(n*q.perMille+999)/1000-1])
			if diff := float64(q.got) - want; diff > 0.01*want || diff < -0.01*want {
				t.Errorf("seed %d, n %d: quantile %d/1000 is %v, sorted %v", seed, n, q.perMille, q.got, want)
			}
		}
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	h := NewHistogram()
	if n := testing.AllocsPerRun(100, func() { h.Add(12345) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestDistributionOfNothing(t *testing.T) {
	if d := NewHistogram().Distribution(); d != nil {
		t.Errorf("got %+v, want nil", *d)
	}
}

func BenchmarkDistribution(b *testing.B) {
	h := NewHistogram()
	for v := range uint64(1000) {
		h.Add(v * v)
	}
	for b.Loop() {
		h.Distribution()
	}
}
