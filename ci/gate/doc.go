// Package gate decides whether a change made a tunnel slower, from pairs of
// measurements of the base and of the head. It measures nothing: the same sets and the
// same policy give the same verdict, on any machine, without root.
//
//	base.json, head.json ──► Judge ──► Report ──► gate.json, Table, Markdown, JUnit, Benchfmt
//	                           ▲          └─────► a line of the history
//	       policy.yaml, noise.json
//
// Package revision builds what is measured, package pairs measures it, and package
// resample asks what thousands of gates would have said.
package gate
