// Package fuzz searches for inputs that break the decoders: inputs that make them panic, allocate too much,
// take too long, respond to unknown sources, keep state or return a wrong result. Fuzz engines generate
// the inputs. The package confirms each crash by replay, minimises the input and writes a finding.
//
//	Targets ──> engine: native, go-fuzz, libfuzzer ──> crasher
//	               ^                                      │ replayed in a separate process
//	  seeds, testdata, corpus                             v
//	                                     finding: oracle, place, smallest input
//	                                        │
//	                                        ├──> testdata (go test), a test, a capture
//	                                        └──> fuzz.json, page, JUnit, SARIF (package fuzz/report)
//
// One harness, a func([]byte) int in package wire or text, serves all engines. go-fuzz calls it directly;
// go test and libFuzzer use a native target of two lines that calls it. Package oracle has the checks of
// the harnesses. Command proof shows with planted bugs that they find faults.
package fuzz
