//go:build linux

// Command soak drives the verbs of a build through random sequences of events of the kind that other
// people's machines have, and holds each step against what the program promises:
//
//	seed, number ──► step: verb, device, event ──► run it ──► exit status of the table?
//	                                                          nothing left behind?
//	                                                          everything written is readable?
//
// The seed and the number of a step repeat its choices; what the kernel and other programs do
// meanwhile, it cannot repeat.
package main
