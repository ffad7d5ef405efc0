// Package count judges a change by exact instruction counts of both sides. The same build gives the
// same count, so there is no noise of the machine. What remains is that another layout of the same
// program costs a little more or less; the spread of several layouts of each side is the margin.
//
//	base: counts of layouts 0..n ─┐
//	                              ├─► Judge ─► change, margin, verdict for each metric
//	head: counts of layouts 0..n ─┘
package count
