package loadgen

import (
	"slices"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The schedule sends each frame when pace says it is due.
func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		traffic rfc2544.Traffic
		due     map[uint64]time.Duration
		frames  uint64
	}{
		"constant": {rfc2544.Traffic{}, map[uint64]time.Duration{0: 0, 7: 7e5, 99: 99e5}, 100},
		"step":     {rfc2544.Traffic{Step: 5e3, StepAt: 4 * time.Millisecond}, map[uint64]time.Duration{39: 39e5, 40: 41e5, 41: 43e5, 69: 99e5}, 70},
		"bursts":   {rfc2544.Traffic{Burst: 10, BurstRate: 50e3}, map[uint64]time.Duration{0: 0, 1: 2e4, 9: 18e4, 10: 1e6, 11: 102e4, 99: 9e6 + 18e4}, 100},
	} {
		p := scheduled(10e3, 10*time.Millisecond)
		p.Traffic = c.traffic
		if got := p.trial().Frames(); got != c.frames {
			t.Errorf("%s: %d frames, want %d", name, got, c.frames)
		}
		for n, want := range c.due {
			if got := p.pace().due(n); got < want-time.Nanosecond || got > want+time.Nanosecond {
				t.Errorf("%s: frame %d is due at %v, want %v", name, n, got, want)
			}
		}
		sent := play(newSchedule(p, 1<<20, 3), 500, nil)[0]
		if uint64(len(sent)) != c.frames {
			t.Fatalf("%s: %d frames sent, want %d", name, len(sent), c.frames)
		}
		for n, at := range sent {
			if due := uint64(p.pace().due(uint64(n))); at+1 < due || at > due+2000 {
				t.Errorf("%s: frame %d sent at %d ns, due at %d", name, n, at, due)
			}
		}
	}
}

// A frame is sent later by the pauses before it, and by those of the tester's core alone.
func TestSentAt(t *testing.T) {
	c := scheduled(10e3, 10*time.Millisecond).pace()
	stalls := []rfc2544.Stall{
		{At: 6 * time.Millisecond, Length: 3 * time.Millisecond, Side: rfc2544.SideTester},
		{At: 1 * time.Millisecond, Length: 2 * time.Millisecond, Side: rfc2544.SideTester},
		{At: 2 * time.Millisecond, Length: 5 * time.Millisecond, Side: rfc2544.SideDUT},
	}
	for n, want := range map[uint64]time.Duration{5: 500e3, 20: 4e6, 39: 5900e3, 41: 9100e3} {
		if got := c.sentAt(n, stalls).Round(time.Microsecond); got != want {
			t.Errorf("frame %d sent at %v, want %v", n, got, want)
		}
	}
}

func TestLastMissing(t *testing.T) {
	full := ^uint64(0)
	for _, c := range []struct {
		n     uint64
		words []uint64
		want  uint64
		ok    bool
	}{
		{0, nil, 0, false}, {64, []uint64{full}, 0, false}, {10, []uint64{1<<10 - 1}, 0, false}, {10, []uint64{1<<9 - 1}, 9, true},
		{130, []uint64{full, full &^ (1 << 3), 3}, 67, true}, {129, []uint64{full, full, 0}, 128, true}, {128, []uint64{full &^ 1, full}, 0, true},
	} {
		got, ok := lastMissing(c.n, func(i uint64) uint64 { return c.words[i] })
		if got != c.want || ok != c.ok {
			t.Errorf("%d of %x: %d, %v; want %d, %v", c.n, c.words, got, ok, c.want, c.ok)
		}
	}
}

// Differences are signed; their extremes are exact.
func TestVariation(t *testing.T) {
	for _, c := range []struct {
		differences []int64
		want        rfc2544.Variation
	}{
		{[]int64{5}, rfc2544.Variation{N: 1, Min: 5, Median: 5, Max: 5}},
		{[]int64{-5}, rfc2544.Variation{N: 1, Min: -5, Median: -5, Max: -5}},
		{[]int64{0, 0, 100, -100}, rfc2544.Variation{N: 4, Min: -100, Max: 100}},
		{[]int64{-3, -2, -1, 7, 9}, rfc2544.Variation{N: 5, Min: -3, Median: -1, Max: 9}},
		{[]int64{-3, -2, -1, -50}, rfc2544.Variation{N: 4, Min: -50, Median: -3, Max: -1}},
		{[]int64{3, 2, 1, 50, -9}, rfc2544.Variation{N: 5, Min: -9, Median: 2, Max: 50}},
	} {
		v := newVariation()
		for _, d := range c.differences {
			v.add(d)
		}
		if got := v.summary(); got == nil || *got != c.want {
			t.Errorf("%v: %+v, want %+v", c.differences, got, c.want)
		}
	}
	if newVariation().summary() != nil {
		t.Error("a summary of nothing")
	}
	v := newVariation()
	if n := testing.AllocsPerRun(100, func() { v.add(-300) }); n != 0 {
		t.Errorf("%v allocations for a difference", n)
	}
}

// A later frame in place of an earlier one is a gap in the numbering, whether
// the earlier one is lost or comes after all (RFC 2544 section 10).
func TestReceiverCountsGaps(t *testing.T) {
	p := wirePlan()
	p.Size, p.Rate, p.Duration = 200, 1000, 8*time.Millisecond
	p.Traffic.TagFrom = time.Millisecond
	stamper, err := newStamper(p, 0, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(stamper, 8, p.Late, make([]uint64, 1))
	r.delays = newDelays(p)
	for i, sequence := range []uint32{0, 1, 3, 2, 4, 4, 7} {
		at := someTime + uint64(i)*1000
		r.book(frameIn{data: frameOf(t, p, signature.Signature{Trial: 7, Sequence: sequence, SentAt: at - 50 - uint64(i)}), length: p.Size.OnVeth(), at: at, read: at}, 0)
	}
	l := r.ledger(p, 8)
	if l.Received != 6 || l.Duplicated != 1 || l.Reordered != 1 || l.Gaps != 2 || l.Offered-l.Received != 2 {
		t.Errorf("%+v", l)
	}
	l.bookLast(p.pace(), nil, func(i uint64) uint64 { return r.seen[i] })
	if l.LastLost == nil || *l.LastLost != 6*time.Millisecond {
		t.Errorf("the last one lost was sent at %v, want 6ms", l.LastLost)
	}
	want := []time.Duration{51, 53, 52, 54, rfc2544.TagLost, rfc2544.TagLost, 56}
	if got := tagged(r.delays.tags, p, 8); !slices.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	if v := r.delays.variation.summary(); v == nil || *v != (rfc2544.Variation{N: 2, Min: 1, Median: 1, Max: 2}) { // 1-2 and 4-5
		t.Errorf("variation %+v", v)
	}
}
