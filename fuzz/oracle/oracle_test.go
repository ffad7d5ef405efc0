package oracle

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// finds reports whether f breaks the given oracle.
func finds(oracle string, f func()) (found bool) {
	defer func() {
		broken, _ := recover().(*Broken)
		found = broken != nil && broken.Oracle == oracle
	}()
	f()
	return false
}

var sink []byte

// quadratic compares every pair of bytes.
func quadratic(data []byte) {
	for i := range data {
		for j := range data {
			data[i] |= data[j] & 0x80
		}
	}
}

func linear(data []byte) {
	for range 5000 {
		bytes.Count(data, []byte{0x80})
	}
}

// TestOraclesFindPlantedFaults checks that each oracle fails on a decoder with its fault, and on no other.
func TestOraclesFindPlantedFaults(t *testing.T) {
	large := make([]byte, 4<<10)
	for name, c := range map[string]struct {
		oracle        string
		faulty, sound func()
	}{
		"writes to its input": {Input,
			func() { Untouched([]byte{1, 2}, []byte{1, 3}) },
			func() { Untouched([]byte{1, 2}, []byte{1, 2}) }},
		"one byte allocated": {Allocation,
			func() { Allocates(0, func() { sink = make([]byte, 1) }) },
			func() { Allocates(0, func() {}) }},
		"greedy": {Allocation,
			func() { Allocates(PerByte(2, large), func() { sink = make([]byte, 80<<10) }) },
			func() { Allocates(PerByte(2, large), func() { sink = make([]byte, 64<<10) }) }},
		"quadratic": {Slope,
			func() { Slopes(quadratic, large[:len(large)/Growth], large) },
			func() { Slopes(linear, large[:len(large)/Growth], large) }},
		"slow": {Time,
			func() { Takes(time.Microsecond, func() { quadratic(large) }) },
			func() { Takes(time.Second, func() { linear(large) }) }},
		"kept": {State,
			func() { Settles("files", 1, func() int { return 2 }) },
			func() { Settles("files", 1, func() int { return 1 }) }},
		"other": {RoundTrip,
			func() { Same(1, 2) },
			func() { Same(1, 1) }},
		"disagreement": {Agreement,
			func() { Agree("it", 1, 2) },
			func() { Agree("it", 1, 1) }},
		"colours": {OneLine,
			func() { Line(errors.New("\x1b[31mred")) },
			func() { Line(errors.New("red")) }},
		"two lines": {OneLine,
			func() { Line(errors.New("a\nb")) },
			func() { Line(errors.New("a: b")) }},
	} {
		t.Run(name, func(t *testing.T) { // not in parallel: Allocates counts the whole process
			if !finds(c.oracle, c.faulty) {
				t.Error("the fault is not found")
			}
			if finds(c.oracle, c.sound) {
				t.Error("it fails without a fault")
			}
		})
	}
}

func TestExactHasNoRoom(t *testing.T) {
	whole := []byte{1, 2, 3, 4}
	exact := Exact(whole[:3])
	if cap(exact) != 3 || !bytes.Equal(exact, whole[:3]) {
		t.Errorf("capacity %d, bytes %v", cap(exact), exact)
	}
	exact[0] = 9
	if whole[0] != 1 {
		t.Error("it is not a copy")
	}
}

func TestStretchQuadruplesTheMiddle(t *testing.T) {
	small, large := Stretch([]byte("aaabbbccc"))
	if want := "aaa" + strings.Repeat("bbb", 16) + "ccc"; string(small) != want {
		t.Errorf("small is %q", small)
	}
	if want := "aaa" + strings.Repeat("bbb", 64) + "ccc"; string(large) != want {
		t.Errorf("large is %q", large)
	}
}
