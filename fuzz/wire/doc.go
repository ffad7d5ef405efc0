// Package wire holds the fuzz harnesses for data from the network: datagrams, inner packets,
// segmentation headers, AF_XDP descriptors, the tester's signature, and the tunnel layers of
// gopacket.
//
//	engine ──data──> Harness(data) int ──> decoder
//	                    │                     │
//	                    └── oracles ──────────┴── a slow, simple decoder (model.go)
//
// A harness returns 1 for accepted input and 0 for refused input. It panics when an oracle fails.
// Each harness has seeds; where possible gopacket makes them, so that they do not repeat a mistake of
// this module's encoders.
package wire
