package mlrsearch

import "math/bits"

// uint128 is an unsigned 128-bit integer. A sum of nanoseconds fits 64 bits, and
// numerator and denominator of a Ratio fit 30 bits each, so nothing here overflows.
type uint128 struct{ hi, lo uint64 }

func product(a, b uint64) uint128 {
	hi, lo := bits.Mul64(a, b)
	return uint128{hi, lo}
}

func (a uint128) plus(b uint128) uint128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return uint128{hi, lo}
}

// minus is a-b, and 0 where b is larger.
func (a uint128) minus(b uint128) uint128 {
	if a.atMost(b) {
		return uint128{}
	}
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return uint128{hi, lo}
}

func (a uint128) times(n uint64) uint128 {
	hi, lo := bits.Mul64(a.lo, n)
	return uint128{hi + a.hi*n, lo}
}

func (a uint128) atMost(b uint128) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo <= b.lo
}

func larger(a, b uint128) uint128 {
	if a.atMost(b) {
		return b
	}
	return a
}
