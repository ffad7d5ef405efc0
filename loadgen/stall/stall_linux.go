// Package stall takes a core away on purpose, interrupts and all, as a host does that gives a
// virtual core to somebody else.
package stall

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
)

// period is the time between two looks of the core's timer interrupt for a request.
const period = time.Millisecond

// Longest is the longest stall that one request makes.
const Longest = 100 * time.Millisecond

// Holder holds one core.
type Holder struct {
	objects bpf.FaultObjects
	tick    *os.File
}

// Open prepares to hold a core. It needs the rights of bpf(2) and perf_event_open(2).
func Open(cpu int) (*Holder, error) {
	h := &Holder{}
	if err := bpf.LoadFaultObjects(&h.objects, nil); err != nil {
		return nil, fmt.Errorf("stall of cpu %d: %w", cpu, err)
	}
	var err error
	if h.tick, err = sys.ClockTick(cpu, uint64(period), h.objects.HoldCore.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("stall: %w", err), h.objects.Close())
	}
	return h, nil
}

// Hold asks for a stall of length d, which begins with the core's next timer interrupt, about a
// millisecond later. It does not wait for it.
func (h *Holder) Hold(d time.Duration) error {
	return h.objects.Request.Set(bpf.FaultHoldRequest{Hold: uint64(min(d, Longest))})
}

// Last returns when the last stall began, in ns of CLOCK_MONOTONIC, and its length. It fails if the
// stall that was asked for has not ended.
func (h *Holder) Last() (from uint64, length time.Duration, err error) {
	var r bpf.FaultHoldRequest
	if err := h.objects.Request.Get(&r); err != nil {
		return 0, 0, err
	}
	if r.Ended == 0 || r.Hold != 0 {
		return 0, 0, fmt.Errorf("stall: the core was not held: %+v", r)
	}
	return r.Started, time.Duration(r.Ended - r.Started), nil
}

// Close lets go of the core.
func (h *Holder) Close() error { return errors.Join(h.tick.Close(), h.objects.Close()) }
