package lab

import (
	"context"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen/stall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func holdCore(t *testing.T, cpu int) *stall.Holder {
	t.Helper()
	h, err := stall.Open(cpu)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// A stall made on purpose, on either side, is seen with its length within a
// millisecond, and the tester's pauses the schedule.
func TestStallsMadeOnPurpose(t *testing.T) {
	l := openLab(t)
	if l.Shared() {
		t.Log("one core: it is the tester's, whose stalls are checked")
	}
	b := openBench(t, l, "plain", 64)
	const (
		length    = 5 * time.Millisecond
		tolerance = time.Millisecond
	)
	for side, cpu := range map[string]int{rfc2544.SideTester: l.cpus.Tester[0], rfc2544.SideDUT: l.cpus.DUT[0]} {
		if side == rfc2544.SideDUT && l.Shared() {
			continue
		}
		h := holdCore(t, cpu)
		time.AfterFunc(100*time.Millisecond, func() {
			if err := h.Hold(length); err != nil {
				t.Error(err)
			}
		})
		before := sys.Monotonic()
		seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 20e3, Duration: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		from, held, err := h.Last()
		if err != nil {
			t.Fatal(err)
		}
		if !noticed(seen, side, held, tolerance) {
			t.Errorf("%s: core %d held for %v, %v after the call: stalls %+v", side, cpu, held, time.Duration(from-before), seen.Stalls)
		}
		if side == rfc2544.SideTester && seen.Paused < held-tolerance {
			t.Errorf("the schedule paused for %v, the tester's core was gone for %v", seen.Paused, held)
		}
		if seen.Offered != seen.Intended {
			t.Errorf("%s: offered %d of %d: a stall lengthens a trial, it does not shorten it", side, seen.Offered, seen.Intended)
		}
	}
}

func noticed(o rfc2544.Observation, side string, held, tolerance time.Duration) bool {
	for _, s := range o.Stalls {
		if diff := s.Length - held; s.Side == side && diff < tolerance && diff > -tolerance {
			return true
		}
	}
	return false
}
