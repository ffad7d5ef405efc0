// Package labtest is for tests of what needs a laboratory: a simulated one, without root and on a
// virtual clock, and the one on this machine with a test's settings.
package labtest
