// Package oracle says what a decoder of foreign octets must never do, with
// numbers. Fuzz targets, unit tests and live campaigns ask the same oracles.
//
// A harness calls them around a decoder; one that does not hold panics with a
// *Broken, which names it. Any other panic breaks the oracle "panic".
//
//	name            what must hold                                    limit
//	panic           no panic, on a slice without an octet to spare    0
//	input           the input is as it was                            0 octets
//	allocation      octets allocated: none on a data path;            0, or
//	                a reader of files: a base, and k an octet         64 KiB + k
//	time            elapsed for one input: a base, and so much an     20 us + 0.2 us
//	                octet; the least of many replays
//	slope           four times the input costs at most so many times  6
//	amplification   packets and octets out for one in, to a stranger  0
//	state           goroutines that outlive the input                 as before
//	round-trip      decode, encode and decode again: the same         exact
//	agreement       two decoders say the same                         exact
//	counted         every input raises so many counters               1
//	one-line        a refusal is so many lines of plain text          1
//
// What costs something to ask is asked of a sample (Sampled), chosen by the
// input itself, so that a finding is found again. Times and allocations count
// only when the least of many replays is over the limit.
package oracle
