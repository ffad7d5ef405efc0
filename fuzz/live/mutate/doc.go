// Package mutate makes up what an attacker puts onto the underlay of a tunnel: a
// stream of frames that are nearly right, since a decoder throws away at once
// what is wholly wrong.
//
//	Ethernet | IP (or a fragment, or options) | UDP (or a wrong length) | tunnel header | inner packet
//	          `------- one mutant in eight is wrong here --------------´ `--- most are wrong here ---´
//
// A mutant follows from the stream's seed and its own number alone, so that any
// part of a stream can be had again. Nothing is allocated per mutant.
//
// Unless Path.Forge is set no mutant for the reference tunnel is right in
// every field: a plain tunnel cannot tell such a one from its peer's, and need not.
package mutate
