// Package text holds the fuzz harnesses for files and text: results, recorded trials, a tunnel's
// configuration, command-line words, and what a tunnel writes to stderr. As in package wire, a
// harness returns 1 for accepted input and 0 for refused input, and panics when an oracle fails.
package text
