package sys

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// The Go runtime reads CLOCK_MONOTONIC and CLOCK_REALTIME without entering the
// kernel (vdso(7)), but counts the first from a moment of its own. epoch is such
// a moment and monotonicEpoch the same one on the kernel's scale, in ns.
var epoch, monotonicEpoch = alignClocks()

// alignClocks reads the kernel's clock between two readings of the runtime's,
// which bounds the error; the tightest of some tries is within some 100 ns.
func alignClocks() (time.Time, int64) {
	const tries = 16
	start := time.Now()
	at, width := int64(0), int64(math.MaxInt64)
	for range tries {
		var ts unix.Timespec
		before := int64(time.Since(start))
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
			break // cannot happen for this clock
		}
		after := int64(time.Since(start))
		if after-before < width {
			at, width = ts.Nano()-(before+after)/2, after-before
		}
	}
	return start, at
}

// Monotonic is CLOCK_MONOTONIC in nanoseconds: the clock of bpf_ktime_get_ns,
// to some 100 ns, always the same ones.
func Monotonic() uint64 { return uint64(monotonicEpoch + int64(time.Since(epoch))) }

// ClockOffset returns CLOCK_REALTIME minus CLOCK_MONOTONIC at this moment, in ns. It changes
// when the time of day is set or slewed.
func ClockOffset() int64 {
	const tries = 3
	best, width := int64(0), int64(math.MaxInt64)
	for range tries {
		before := int64(Monotonic())
		wall := time.Now().UnixNano()
		after := int64(Monotonic())
		if after-before < width {
			best, width = wall-(before+after)/2, after-before
		}
	}
	return best
}
