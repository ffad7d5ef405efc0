package sys

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// The Go runtime reads both clocks without entering the kernel (vdso(7)), but its monotonic time
// starts at a private zero point. epoch and monotonicEpoch are the same moment, once as a Go time
// and once as CLOCK_MONOTONIC in ns.
var epoch, monotonicEpoch = alignClocks()

// alignClocks reads CLOCK_MONOTONIC between two readings of the Go clock. The distance of the two
// readings bounds the error. alignClocks keeps the closest pair of several tries, about 100 ns
// apart.
func alignClocks() (time.Time, int64) {
	const tries = 16
	start := time.Now()
	at, width := int64(0), int64(math.MaxInt64)
	for range tries {
		var ts unix.Timespec
		before := int64(time.Since(start))
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
			break // cannot happen with CLOCK_MONOTONIC
		}
		after := int64(time.Since(start))
		if after-before < width {
			at, width = ts.Nano()-(before+after)/2, after-before
		}
	}
	return start, at
}

// Monotonic returns CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns, in ns. It has a constant error
// of up to about 100 ns.
func Monotonic() uint64 { return uint64(monotonicEpoch + int64(time.Since(epoch))) }

// ClockOffset returns CLOCK_REALTIME minus CLOCK_MONOTONIC at this moment, in ns. The offset
// changes when the system time is set or slewed.
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
