package loadgen

import (
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

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
		p := Plan{Trial: rfc2544.Trial{Load: 10e3, Duration: 10 * time.Millisecond}}
		p.Traffic = c.traffic
		if got := p.Frames(); got != c.frames {
			t.Errorf("%s: %d frames, want %d", name, got, c.frames)
		}
		for n, want := range c.due {
			if got := p.Pace().Due(n); got < want-time.Nanosecond || got > want+time.Nanosecond {
				t.Errorf("%s: frame %d is due at %v, want %v", name, n, got, want)
			}
		}
	}
}

// Only stalls of the tester's core before a frame delay the frame.
func TestSentAt(t *testing.T) {
	c := Plan{Trial: rfc2544.Trial{Load: 10e3, Duration: 10 * time.Millisecond}}.Pace()
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

// Differences can be negative. The smallest and the largest difference are exact.
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
		v := NewDifferences()
		for _, d := range c.differences {
			v.Add(d)
		}
		if got := v.Summary(); got == nil || *got != c.want {
			t.Errorf("%v: %+v, want %+v", c.differences, got, c.want)
		}
	}
	if NewDifferences().Summary() != nil {
		t.Error("a summary of nothing")
	}
	v := NewDifferences()
	if n := testing.AllocsPerRun(100, func() { v.Add(-300) }); n != 0 {
		t.Errorf("%v allocations for a difference", n)
	}
}
