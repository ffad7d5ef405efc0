// Package rfc2544 holds the benchmarking procedures of RFC 2544 and the RFCs that update it:
// units, trials, observations, and the tests. It is pure: no sockets, no clock of its own, no
// build tags. A Measurer runs a trial: the lab, or the device of package simulated.
//
//	Suite -> Test -> Search -> Measurer.Measure(Trial) ... -> Observation -> Outcome: values
//
// Each test has a file of its own: its config, a Run function and its row of the table (Tests).
// The search is MLRsearch (RFC 9971) in package mlrsearch; Search runs it with frames.
//
// Terms (RFC 1242, 2285, 2544, 9971): the DUT is the tunnel, the SUT the tunnel with the
// kernel, links and cores below it. Intended load is what was asked for, offered load what left
// the tester. Forwarding rate is observed output, whatever was lost; throughput
// is the highest rate without loss in trials of 60 seconds, and the word is used
// for nothing else. Frame sizes include the FCS.
package rfc2544
