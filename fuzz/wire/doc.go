// Package wire holds the harnesses for what comes over a wire: datagrams, inner
// packets, segmentation headers, descriptors, the tester's own signature, and
// layers of a library that others read packets with.
//
//	engine ──data──> Harness(data) int ──> decoder
//	                    │                     │
//	                    └── oracles ──────────┴── a slow, plain decoder (model.go)
//
// A harness returns 1 for input that was accepted and 0 for input that was
// refused; an oracle that does not hold panics. Each has seeds of its own, made by
// somebody else's hand where there is one.
package wire
