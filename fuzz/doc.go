// Package fuzz looks for inputs that make a decoder fail, allocate, stall,
// answer, remember or lie: it has engines make inputs up, confirms what they find, makes
// it small and writes it down.
//
//	Targets ──> engine: native, go-fuzz, libfuzzer ──> crasher
//	               ^                                      │ replayed in a process of its own
//	  seeds, testdata, corpus                             v
//	                                     finding: oracle, place, smallest input
//	                                        │
//	                                        ├──> testdata (go test), a test, a capture
//	                                        └──> fuzz.json, page, JUnit, SARIF (package fuzz/report)
//
// One harness, a func([]byte) int in package wire or text, serves all engines:
// go-fuzz calls it, and a native target of two lines wraps it for go test, which is also what
// libFuzzer programs are built of. Package oracle says what a harness asks. Package proof
// shows on planted bugs that it would notice.
package fuzz
