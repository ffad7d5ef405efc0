// Package suite implements `run`: it measures devices at several frame sizes, as a profile says,
// and collects the results.
//
//	Plan ─► Run ─┬─ a profile of rounds: rate in every round, latency in the last
//	             └─ a profile with a suite: all tests of RFC 2544,
//	                every trial in a journal, so that a run that was cut short goes on
//
// The interfaces Lab and Setup have two implementations: package lab measures on this machine,
// package labtest simulates.
package suite
