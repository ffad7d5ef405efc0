package fuzz

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// finds tells whether f panics with the given oracle's number.
func finds(oracle string, f func()) (found bool) {
	defer func() {
		text, _ := recover().(string)
		found = strings.HasPrefix(text, oracle)
	}()
	f()
	return false
}

var sink []byte

// quadratic looks at every pair of octets.
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

// TestOraclesFindPlantedFaults: an oracle that nothing breaks proves nothing.
func TestOraclesFindPlantedFaults(t *testing.T) {
	large := make([]byte, 4<<10)
	for name, c := range map[string]struct {
		oracle        string
		faulty, sound func()
	}{
		"writes to its input": {"oracle 2",
			func() { Untouched([]byte{1, 2}, []byte{1, 3}) },
			func() { Untouched([]byte{1, 2}, []byte{1, 2}) }},
		"one octet allocated": {"oracle 3",
			func() { Allocation(0, func() { sink = make([]byte, 1) }) },
			func() { Allocation(0, func() {}) }},
		"greedy": {"oracle 3",
			func() { Allocation(PerOctet(2, large), func() { sink = make([]byte, 80<<10) }) },
			func() { Allocation(PerOctet(2, large), func() { sink = make([]byte, 64<<10) }) }},
		"quadratic": {"oracle 4",
			func() { Slope(quadratic, large[:len(large)/growth], large) },
			func() { Slope(linear, large[:len(large)/growth], large) }},
		"two lines": {"oracle 6",
			func() { OneLine(errors.New("a\nb")) },
			func() { OneLine(errors.New("a: b")) }},
	} {
		if !finds(c.oracle, c.faulty) {
			t.Errorf("%s: not found", name)
		}
		if finds(c.oracle, c.sound) {
			t.Errorf("%s: found where it is not", name)
		}
	}
}

func TestExactHasNoRoom(t *testing.T) {
	whole := []byte{1, 2, 3, 4}
	exact := Exact(whole[:3])
	if cap(exact) != 3 || !bytes.Equal(exact, whole[:3]) {
		t.Errorf("capacity %d, octets %v", cap(exact), exact)
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
