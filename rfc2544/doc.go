// Package rfc2544 holds the words and the procedures of the benchmarking RFCs:
// units, trials, observations, the MLRsearch of RFC 9971 and the tests built on
// it. It is pure: no sockets, no clock of its own, no build tags. What runs a
// trial is a Measurer; a simulated device on a virtual clock is one.
//
//	Test -> Search -> Measure(Trial) ... -> Observation -> bounds, values
//
// Words (RFC 1242, 2285, 2544, 9971): the DUT is the tunnel, the SUT the tunnel
// with the kernel, links and cores below it. Intended load is what was asked
// for, offered load what left the tester. Forwarding rate is observed output
// and says nothing of loss; throughput is the highest rate with no frame lost
// in 60-second trials and is never said of anything else. Frame sizes include
// the FCS.
package rfc2544
