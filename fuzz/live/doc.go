// Package live attacks a running tunnel: it sends malformed datagrams (mutants) onto the link between
// the two ends, beside a legitimate flow through the tunnel, and measures what that flow suffers.
//
//	tester port0 -> left end ===== link =====> right end -> tester port1
//	                            ^
//	                            mutants, as an unknown source or with the peer's address
//
// Quiet and attacked trials alternate at the same load. The verdict compares the two: loss, memory,
// crashes, and answers to a source that the tunnel does not know (reflection).
//
// An attack (Attack) and its verdict need no lab: they use a Target. OnLab makes one from a set-up of the
// lab, and tests use a simulated tunnel. Package mutate generates the mutants.
package live
