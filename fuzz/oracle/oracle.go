package oracle

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The names of the oracles.
const (
	Panic         = "panic"
	Input         = "input"
	Allocation    = "allocation"
	Time          = "time"
	Slope         = "slope"
	Amplification = "amplification"
	State         = "state"
	RoundTrip     = "round-trip"
	Agreement     = "agreement"
	Counted       = "counted"
	OneLine       = "one-line"
)

// Broken says which oracle failed and what it saw.
type Broken struct{ Oracle, Seen string }

// Error returns "oracle NAME: " and what the oracle saw.
func (b *Broken) Error() string { return "oracle " + b.Oracle + ": " + b.Seen }

// Fail panics with a *Broken.
func Fail(name, format string, args ...any) {
	panic(&Broken{name, fmt.Sprintf(format, args...)})
}

// Exact returns a copy of data without spare capacity: an index past the end panics, and an append
// cannot overwrite the memory after it.
func Exact(data []byte) []byte {
	exact := make([]byte, len(data))
	copy(exact, data)
	return exact
}

// Untouched fails if a decoder has changed its input.
func Untouched(input, original []byte) {
	if !bytes.Equal(input, original) {
		Fail(Input, "the input was changed to\n% x, was\n% x", input, original)
	}
}

// Sampled reports whether data belongs to the sample of one in every inputs. It depends only on data.
func Sampled(data []byte, every uint32) bool {
	return crc32.ChecksumIEEE(data)%every == 0
}

// replays is how often a costly run is repeated. Other goroutines and the machine can only add to a
// measurement, so the least of all runs counts.
const replays = 32

// Allocates fails if every run of f allocates more than limit bytes in total.
func Allocates(limit uint64, f func()) {
	least := uint64(math.MaxUint64)
	for range replays {
		least = min(least, allocated(f))
		if least <= limit+instrumentationSlack {
			return
		}
	}
	Fail(Allocation, "%d bytes allocated, the limit is %d", least, limit)
}

// PerByte is the usual limit for a reader of files: 64 KiB, and k bytes for each byte of input.
func PerByte(k int, input []byte) uint64 { return 64<<10 + uint64(k)*uint64(len(input)) }

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Budget is the usual time limit of a decoder on the data path. It is ten times what the decoder needs on
// an idle machine without instrumentation.
func Budget(size int) time.Duration {
	return 20*time.Microsecond + time.Duration(size)*200*time.Nanosecond
}

// Takes fails if every run of f takes longer than limit: of the CPU on Linux, by the clock elsewhere. f must not start goroutines.
func Takes(limit time.Duration, f func()) {
	least := time.Duration(math.MaxInt64)
	for range replays {
		least = min(least, timed(f))
		if least <= limit {
			return
		}
	}
	Fail(Time, "%v, the limit is %v", least, limit)
}

const (
	maxSlope = 6                // how many times as long the large input may take
	tooShort = time.Millisecond // shorter runs do no harm, and caches dominate them

	smallRuns = 3
)

// Growth is the size of the large input of Slopes, as a multiple of the small one.
const Growth = 4

// Slopes fails if f takes more than six times as long for large as for small, measured as by Takes. large must repeat small's
// structure Growth times. The least of several runs counts, some of them a second later: another program may have the machine for that long.
func Slopes(f func([]byte), small, large []byte) {
	leastSmall, leastLarge := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for i := range 2 * replays {
		if i == replays {
			time.Sleep(time.Second)
		}
		leastLarge = min(leastLarge, timed(func() { f(large) }))
		if leastLarge < tooShort {
			return
		}
		for range smallRuns { // a run that was interrupted would hide the slope
			leastSmall = min(leastSmall, timed(func() { f(small) }))
		}
		if leastLarge <= maxSlope*leastSmall {
			return
		}
	}
	Fail(Slope, "%d bytes take %v, %d bytes %v: more than %d times as long", len(small), leastSmall, len(large), leastLarge, maxSlope)
}

// Stretch makes inputs for Slopes by repeating the middle of data. Decoders refuse most of them at once.
// What they accept, such as a long text or list, must be cheap.
func Stretch(data []byte) (small, large []byte) {
	const copies, widest = 16, 1 << 10
	third := len(data) / 3
	middle := data[third : len(data)-third]
	middle = middle[:min(len(middle), widest)]
	repeat := func(n int) []byte {
		return bytes.Join([][]byte{data[:third], bytes.Repeat(middle, n), data[len(data)-third:]}, nil)
	}
	return repeat(copies), repeat(Growth * copies)
}

// Settles fails if count does not return to the baseline within a second. It waits because an engine
// starts and ends goroutines and opens files of its own.
func Settles(what string, baseline int, count func() int) {
	now := count()
	for deadline := time.Now().Add(time.Second); now > baseline && time.Now().Before(deadline); now = count() {
		time.Sleep(time.Millisecond)
	}
	if now > baseline {
		Fail(State, "%d %s, %d before", now, what, baseline)
	}
}

// Same fails, as the oracle round-trip, if the two values differ.
func Same[T comparable](want, got T) {
	if want != got {
		Fail(RoundTrip, "%+v comes back as %+v", want, got)
	}
}

// Agree fails if two decoders return different values. what names the value.
func Agree[T comparable](what string, ours, theirs T) {
	if ours != theirs {
		Fail(Agreement, "%s: %v here, %v there", what, ours, theirs)
	}
}

// Line fails unless an error is one non-empty line without control characters.
func Line(err error) {
	text := err.Error()
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		Fail(OneLine, "error %q is not one line of text", text)
	}
}
