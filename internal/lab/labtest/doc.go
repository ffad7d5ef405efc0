// Package labtest has two labs for tests: a simulated one on a virtual clock, which needs no root,
// and the lab on this machine with settings for tests.
package labtest
