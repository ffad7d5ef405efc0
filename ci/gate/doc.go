// Package gate decides whether a change made a tunnel slower, from pairs of measurements of the
// base and the head. It does not measure: the same sets and the same policy give the same verdict
// on every machine, without root.
//
//	base.json, head.json ──► Judge ──► Report ──► gate.json, Table, Markdown, JUnit, Benchfmt
//	                           ▲          └─────► a line of the history
//	       policy.yaml, noise.json
//
// Package revision builds both sides, and package pairs measures them. Command resample simulates
// thousands of gates to find their error rates.
package gate
