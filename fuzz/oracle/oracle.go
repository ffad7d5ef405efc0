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

// Broken is an oracle that did not hold, and what was seen.
type Broken struct{ Oracle, Seen string }

// Error begins with "oracle NAME: ".
func (b *Broken) Error() string { return "oracle " + b.Oracle + ": " + b.Seen }

// Fail breaks an oracle.
func Fail(name, format string, args ...any) {
	panic(&Broken{name, fmt.Sprintf(format, args...)})
}

// Exact is a copy of data without a spare octet: an index past the end panics
// and an append cannot write into what lies behind.
func Exact(data []byte) []byte {
	exact := make([]byte, len(data))
	copy(exact, data)
	return exact
}

// Untouched fails when a decoder has written to its input.
func Untouched(input, original []byte) {
	if !bytes.Equal(input, original) {
		Fail(Input, "the input was changed to\n% x, was\n% x", input, original)
	}
}

// Sampled tells whether data is one of every so many inputs, always the same ones.
func Sampled(data []byte, every uint32) bool {
	return crc32.ChecksumIEEE(data)%every == 0
}

// replays is how often a costly run is repeated before it counts: other
// goroutines and the machine can only add to what is measured.
const replays = 32

// Allocates fails when no replay of f allocates limit octets or fewer, in all.
func Allocates(limit uint64, f func()) {
	least := uint64(math.MaxUint64)
	for range replays {
		least = min(least, allocated(f))
		if least <= limit+boxes {
			return
		}
	}
	Fail(Allocation, "%d octets allocated, the limit is %d", least, limit)
}

// PerOctet is the usual limit of a reader of files: 64 KiB for whatever it needs
// in any case, and k octets for each of input.
func PerOctet(k int, input []byte) uint64 { return 64<<10 + uint64(k)*uint64(len(input)) }

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Budget is the usual limit of a decoder on the data path, ten times what it
// may need on a machine that does nothing else and is not instrumented.
func Budget(octets int) time.Duration {
	return 20*time.Microsecond + time.Duration(octets)*200*time.Nanosecond
}

// Takes fails when no replay of f is done within the limit.
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
	maxSlope = 6                // times the time that may take
	tooShort = time.Millisecond // what takes less cannot hurt, and caches decide it
)

// Growth is how many times as much the large input of Slopes holds.
const Growth = 4

// Slopes fails when f takes more than six times as long for large as for
// small. large holds small's structure Growth times. The least of several
// replays is judged.
func Slopes(f func([]byte), small, large []byte) {
	leastSmall, leastLarge := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range replays {
		leastLarge = min(leastLarge, timed(func() { f(large) }))
		if leastLarge < tooShort {
			return
		}
		leastSmall = min(leastSmall, timed(func() { f(small) }))
		if leastLarge <= maxSlope*leastSmall {
			return
		}
	}
	Fail(Slope, "%d octets take %v, %d octets %v: more than %d times as long", len(small), leastSmall, len(large), leastLarge, maxSlope)
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// Stretch is the blunt way to a larger input for Slopes: the middle of data,
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
	return repeat(copies), repeat(Growth * copies)
}

// Settles fails when what is counted does not come down to the baseline within
// a second: an engine has goroutines and files of its own, which come and go.
func Settles(what string, baseline int, count func() int) {
	now := count()
	for deadline := time.Now().Add(time.Second); now > baseline && time.Now().Before(deadline); now = count() {
		time.Sleep(time.Millisecond)
	}
	if now > baseline {
		Fail(State, "%d %s, %d before", now, what, baseline)
	}
}

// Same fails, as the round trip, when two values that are printed alike differ.
func Same[T comparable](want, got T) {
	if want != got {
		Fail(RoundTrip, "%+v comes back as %+v", want, got)
	}
}

// Agree fails when two decoders do not say the same of what.
func Agree[T comparable](what string, ours, theirs T) {
	if ours != theirs {
		Fail(Agreement, "%s: %v here, %v there", what, ours, theirs)
	}
}

// Line fails when an error is more than one line, none, or does things to a terminal.
func Line(err error) {
	text := err.Error()
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		Fail(OneLine, "error %q is not one line of text", text)
	}
}
