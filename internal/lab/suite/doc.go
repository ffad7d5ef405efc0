// Package suite is what `run` does: it measures devices at frame sizes by a profile and puts
// results together.
//
//	Plan ─► Run ─┬─ a profile of rounds: rate in every round, latency in the last
//	             └─ a profile with a suite: the whole family of RFC 2544's tests,
//	                every trial in a journal, so that a run that was cut short goes on
//
// It needs a laboratory by what Lab and Setup say of it: package lab has the one on this machine,
// labtest a simulated one.
package suite
