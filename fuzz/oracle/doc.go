// Package oracle defines limits that every decoder of untrusted bytes must keep. Fuzz targets, unit tests
// and live campaigns use the same oracles.
//
// The package has no side effects, so other programs can use it in tests of decoders of their own. The
// examples show how.
//
// A harness calls oracles around a decoder. An oracle that fails panics with a *Broken, which holds its
// name. Any other panic breaks the oracle "panic".
//
//	name            what must hold                                    limit
//	panic           no panic, on a slice without spare capacity       0
//	input           the decoder does not change its input             0 bytes
//	allocation      allocated bytes: none on a data path; for a       0, or
//	                reader of files a base and k for each byte        64 KiB + k
//	time            CPU time for one input: a base, and a part for    20 us + 0.2 us
//	                each byte; the shortest of many runs
//	slope           CPU time for four times the input, as a multiple  6
//	amplification   packets and bytes sent in response to an          0
//	                unknown source
//	state           goroutines after the input                        as before
//	round-trip      decode, encode and decode again: the same         exact
//	agreement       two decoders give the same result                 exact
//	counted         every input raises this many counters             1
//	one-line        lines of plain text of an error                   1
//
// Costly oracles check a sample (Sampled). The input's own hash chooses it, so that a finding is
// reproducible. Time and allocation break an oracle only if the least of many runs is over the limit.
package oracle
