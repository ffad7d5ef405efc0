package fuzz

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
)

// Exact is a copy of data without a spare octet: an index past the end panics
// and an append cannot write into what lies behind (oracle 1).
func Exact(data []byte) []byte {
	exact := make([]byte, len(data))
	copy(exact, data)
	return exact
}

// Untouched panics when a decoder has written to its input (oracle 2).
func Untouched(input, original []byte) {
	if !bytes.Equal(input, original) {
		panic(fmt.Sprintf("oracle 2: the input was changed:\n% x, was\n% x", input, original))
	}
}

// replays is how often a costly run is repeated before it counts: other
// goroutines and the machine can only add to what is measured.
const replays = 32

// Allocation panics when no replay of f allocates limit octets or fewer, in
// all (oracle 3).
func Allocation(limit uint64, f func()) {
	least := uint64(math.MaxUint64)
	for range replays {
		least = min(least, allocated(f))
		if least <= limit+boxes {
			return
		}
	}
	panic(fmt.Sprintf("oracle 3: %d octets allocated, the limit is %d", least, limit))
}

// PerOctet is the usual limit: 64 KiB for whatever a reader needs in any case,
// and k octets for each of input.
func PerOctet(k int, input []byte) uint64 { return 64<<10 + uint64(k)*uint64(len(input)) }

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

const (
	growth   = 4                // what large holds, in terms of small
	maxSlope = 6                // times the time that may take
	tooShort = time.Millisecond // what takes less cannot hurt, and caches decide it
)

// Slope panics when f takes more than maxSlope times as long for large as for
// small (oracle 4). large holds small's structure growth times. The least of
// several replays is judged.
func Slope(f func([]byte), small, large []byte) {
	leastSmall, leastLarge := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range replays {
		leastLarge = min(leastLarge, timed(f, large))
		if leastLarge < tooShort {
			return
		}
		leastSmall = min(leastSmall, timed(f, small))
		if leastLarge <= maxSlope*leastSmall {
			return
		}
	}
	panic(fmt.Sprintf("oracle 4: %d octets take %v, %d octets %v: more than %d times as long",
		len(small), leastSmall, len(large), leastLarge, maxSlope))
}

func timed(f func([]byte), data []byte) time.Duration {
	start := time.Now()
	f(data)
	return time.Since(start)
}

// Stretch is the blunt way to a larger input for Slope: the middle of data,
// again and again. Most of what it makes is refused at once; what is not, such
// as a long text or a long list, must be cheap.
func Stretch(data []byte) (small, large []byte) {
	const copies, widest = 16, 1 << 10
	third := len(data) / 3
	middle := data[third : len(data)-third]
	middle = middle[:min(len(middle), widest)]
	repeat := func(n int) []byte {
		return bytes.Join([][]byte{data[:third], bytes.Repeat(middle, n), data[len(data)-third:]}, nil)
	}
	return repeat(copies), repeat(growth * copies)
}

// OneLine panics when an error is more than one line, or none (oracle 6).
func OneLine(err error) {
	if text := err.Error(); text == "" || strings.ContainsAny(text, "\n\r") {
		panic(fmt.Sprintf("oracle 6: error %q is not one line", text))
	}
}
