package rfc2544

import "math/bits"

// wide is an unsigned 128-bit integer. A sum of nanoseconds fits 64 bits and
// each of the two factors of a Ratio fits 30, so nothing here can overflow.
type wide struct{ hi, lo uint64 }

func product(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{hi, lo}
}

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return wide{hi, lo}
}

// minus is a-b, and 0 where b is larger.
func (a wide) minus(b wide) wide {
	if a.atMost(b) {
		return wide{}
	}
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo}
}

func (a wide) times(n uint64) wide {
	hi, lo := bits.Mul64(a.lo, n)
	return wide{hi + a.hi*n, lo}
}

func (a wide) atMost(b wide) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo <= b.lo
}

func wider(a, b wide) wide {
	if a.atMost(b) {
		return b
	}
	return a
}
