// Package fuzz attacks what reads octets that others wrote: the tunnel's
// header decoder, the reader of results, the reader of recorded trials. (The
// tester's signature parser is attacked from its own package, by the same
// oracles.)
//
//	engine ──data──> harness, func([]byte) int ──> decoder
//	                    │
//	                    └── oracles: any of them panics when it is broken
//
// A harness returns 1 for input that was accepted and 0 for input that was
// refused. A panic is a finding. What every harness asks, by number:
//
//	1  no panic, on a slice without an octet to spare    Exact
//	2  the input is as it was                            Untouched
//	3  memory: so much per octet of input, no more       Allocation
//	4  time: four times the input costs no more than     Slope
//	   six times the time
//	5  what was accepted, encoded and decoded again,     in each harness
//	   is the same
//	6  a refusal is one line                             OneLine
//
// targets.txt lists every target of the module with its engine; `make fuzz`
// runs them all for ten seconds each, and a test fails when one is not listed.
package fuzz
