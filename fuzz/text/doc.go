// Package text holds the harnesses for what people and programs write: files
// of results and trials, the configuration of a tunnel, words of a command
// line, what somebody's tunnel leaves on stderr. Like those of package wire they
// return 1 for input that was accepted and 0 for input that was refused, and panic when an
// oracle does not hold.
package text
