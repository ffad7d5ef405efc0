package lab

import (
	"context"
	"errors"
	"fmt"
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
// millisecond, and the tester's pauses the schedule. Other programs may come
// into a trial: hence some.
func TestStallsMadeOnPurpose(t *testing.T) {
	l := openLab(t)
	if l.Shared() {
		t.Log("one core: it is the tester's, whose stalls are checked")
	}
	b := openBench(t, l, "plain", 64)
	for side, cpu := range map[string]int{rfc2544.SideTester: l.cpus.Tester[0], rfc2544.SideDUT: l.cpus.DUT[0]} {
		if side == rfc2544.SideDUT && l.Shared() {
			continue
		}
		h, wrong := holdCore(t, cpu), "no trial"
		for try := 0; wrong != "" && try < 20; try++ {
			wrong = stallUnseen(t, b, h, side)
		}
		if wrong != "" {
			t.Errorf("%s, core %d: %s", side, cpu, wrong)
		}
	}
}

// stallUnseen holds the core of a side during a trial and returns what the trial says wrong of it, or "".
func stallUnseen(t *testing.T, b *Setup, h *stall.Holder, side string) string {
	t.Helper()
	const (
		length    = 5 * time.Millisecond
		tolerance = time.Millisecond
	)
	done := make(chan error, 1)
	time.AfterFunc(100*time.Millisecond, func() { done <- h.Hold(length) })
	before := sys.Monotonic()
	seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 20e3, Duration: 300 * time.Millisecond})
	if err = errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	from, held, err := h.Last()
	switch {
	case err != nil: // it came too late for the trial
		return err.Error()
	case !noticed(seen, side, held, tolerance):
		return fmt.Sprintf("held for %v, %v after the call: stalls %+v", held, time.Duration(from-before), seen.Stalls)
	case side == rfc2544.SideTester && seen.Paused < held-tolerance:
		return fmt.Sprintf("the schedule paused for %v, the tester's core was gone for %v", seen.Paused, held)
	case seen.Offered != seen.Intended:
		return fmt.Sprintf("offered %d of %d: a stall lengthens a trial, it does not shorten it", seen.Offered, seen.Intended)
	}
	return ""
}

func noticed(o rfc2544.Observation, side string, held, tolerance time.Duration) bool {
	for _, s := range o.Stalls {
		if diff := s.Length - held; s.Side == side && diff < tolerance && diff > -tolerance {
			return true
		}
	}
	return false
}
