package oracle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// header is what the examples decode: a network number and a sequence number.
type header struct{ network, sequence uint32 }

var errShort = errors.New("header: want 8 bytes")

func decode(data []byte) (header, error) {
	if len(data) < 8 {
		return header{}, errShort
	}
	return header{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}, nil
}

func encode(h header) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, h.network), h.sequence)
}

// failed calls f and prints which oracle failed.
func failed(f func()) {
	defer func() {
		if broken, ok := recover().(*oracle.Broken); ok {
			fmt.Println(broken.Oracle)
		}
	}()
	f()
	fmt.Println("every oracle holds")
}

// A harness for a fuzz engine: the decoder must not panic, change its input or allocate, an error must be
// one line, and what it accepts must be the same after another round.
func Example() {
	harness := func(data []byte) {
		input := oracle.Exact(data)
		h, err := decode(input)
		oracle.Untouched(input, data)
		oracle.Allocates(0, func() { _, _ = decode(input) })
		if err != nil {
			oracle.Line(err)
			return
		}
		again, _ := decode(encode(h))
		oracle.Same(h, again)
	}
	// In a test: func FuzzHeader(f *testing.F) { f.Fuzz(func(_ *testing.T, data []byte) { harness(data) }) }
	for _, data := range []string{"", "\x00\x00\x00\x07\x00\x00\x00\x01", "seven b"} {
		failed(func() { harness([]byte(data)) })
	}
	// Output:
	// every oracle holds
	// every oracle holds
	// every oracle holds
}

// A decoder on a data path must not allocate. This one copies its input.
func ExampleAllocates() {
	data := encode(header{7, 1})
	failed(func() { oracle.Allocates(0, func() { _ = string(bytes.ToUpper(data)) }) })
	failed(func() { oracle.Allocates(0, func() { _, _ = decode(data) }) })
	// Output:
	// allocation
	// every oracle holds
}

// Reading a list of four times the length must not take more than six times as long. The first reader
// searches its whole list again for each word.
func ExampleSlopes() {
	squared := func(list []byte) {
		words := strings.Fields(string(list))
		seen := 0
		for _, word := range words {
			for _, other := range words {
				if word == other {
					seen++
				}
			}
		}
	}
	once := func(list []byte) { bytes.Fields(list) }
	small := bytes.Repeat([]byte("10.0.0.1 "), 500)
	large := bytes.Repeat(small, oracle.Growth)
	failed(func() { oracle.Slopes(squared, small, large) })
	failed(func() { oracle.Slopes(once, small, large) })
	// Output:
	// slope
	// every oracle holds
}

// Decoding, encoding and decoding again must give the same value. This encoder loses half of a field.
func ExampleSame() {
	h := header{7, 1 << 16}
	short := func(h header) []byte { return encode(header{h.network, h.sequence & 0xffff}) }
	for _, encoder := range []func(header) []byte{encode, short} {
		failed(func() {
			again, _ := decode(encoder(h))
			oracle.Same(h, again)
		})
	}
	// Output:
	// every oracle holds
	// round-trip
}

// Two decoders of one format must agree.
func ExampleAgree() {
	little := func(data []byte) uint32 { return binary.LittleEndian.Uint32(data) }
	h, _ := decode(encode(header{7, 1}))
	failed(func() { oracle.Agree("network", h.network, little([]byte{0, 0, 0, 7})) })
	// Output: agreement
}

// An error must be one line that a terminal shows as it is.
func ExampleLine() {
	failed(func() { oracle.Line(errShort) })
	failed(func() { oracle.Line(errors.Join(errShort, errors.New("and more"))) })
	// Output:
	// every oracle holds
	// one-line
}
