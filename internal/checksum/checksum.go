// Package checksum computes the Internet checksum (RFC 1071), eight bytes at a time.
package checksum

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds the big-endian 16-bit words of p to initial; an odd last byte is padded with a zero.
// The result is an unfolded sum for Fold. Sum adds little-endian 64-bit words with end-around
// carry and swaps the bytes of the result, which gives the same checksum (RFC 1071 section 2).
func Sum(p []byte, initial uint64) uint64 {
	var sum, carry uint64
	for ; len(p) >= 64; p = p[64:] {
		q := p[:64]
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[0:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[8:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[16:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[24:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[32:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[40:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[48:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[56:]), carry)
	}
	for ; len(p) >= 8; p = p[8:] {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(p), carry)
	}
	sum, carry = bits.Add64(sum, tail64(p), carry)
	sum, carry = bits.Add64(sum, 0, carry)
	return initial + uint64(bits.ReverseBytes16(Fold(sum+carry)))
}

// tail64 returns the fewer than 8 bytes of p as a little-endian number.
func tail64(p []byte) (n uint64) {
	shift := 0
	if len(p) >= 4 {
		n, shift = uint64(binary.LittleEndian.Uint32(p)), 32
		p = p[4:]
	}
	if len(p) >= 2 {
		n |= uint64(binary.LittleEndian.Uint16(p)) << shift
		p, shift = p[2:], shift+16
	}
	if len(p) >= 1 {
		n |= uint64(p[0]) << shift
	}
	return n
}

// Fold reduces sum to the 16-bit one's complement sum. A packet header holds its complement,
// ^Fold(sum).
func Fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum&0xffff)
}
