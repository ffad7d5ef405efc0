package checksum

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// slow is RFC 1071 section 4.1, word by word.
func slow(p []byte, initial uint64) uint16 {
	sum := initial>>48 + initial>>32&0xffff + initial>>16&0xffff + initial&0xffff
	for i, b := range p {
		sum += uint64(b) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func TestSum(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for n := range 200 {
		random := make([]byte, n)
		for i := range random {
			random[i] = byte(rng.Uint32())
		}
		for name, p := range map[string][]byte{"random": random, "ones": bytes.Repeat([]byte{0xff}, n)} {
			initial := rng.Uint64()
			// Both zeros of one's complement are the same.
			if got, want := Fold(Sum(p, initial)), slow(p, initial); got%0xffff != want%0xffff {
				t.Errorf("%d %s bytes from %#x: %04x, want %04x", n, name, initial, got, want)
			}
		}
	}
}

// The header of an IPv4 packet (RFC 1071's own example has no checksum field).
func TestHeader(t *testing.T) {
	t.Parallel()
	header := []byte{0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7}
	got := ^Fold(Sum(header, 0))
	if got != 0xb861 {
		t.Errorf("%04x, want b861", got)
	}
	binary.BigEndian.PutUint16(header[10:], got)
	if sum := Fold(Sum(header, 0)); sum != 0xffff {
		t.Errorf("with the checksum in place the sum is %04x, want ffff", sum)
	}
}

func TestNoAllocations(t *testing.T) {
	p, sum := make([]byte, 1500), uint16(0)
	if n := testing.AllocsPerRun(100, func() { sum ^= Fold(Sum(p, 0)) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
