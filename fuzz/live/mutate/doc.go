// Package mutate generates the frames that an attacker sends onto the underlay of a tunnel. Most frames
// are almost valid, since a decoder drops completely wrong ones at once.
//
//	Ethernet | IP (or a fragment, or options) | UDP (or a wrong length) | tunnel header | inner packet
//	          `------- one mutant in eight is wrong here --------------´ `--- most are wrong here ---´
//
// A mutant depends only on the seed of its stream and its own number, so any part of a stream can be
// generated again. Generating a mutant allocates nothing.
//
// Unless Path.Forge is set, every mutant for the reference tunnel has a fault. The tunnel cannot
// distinguish a valid frame with a forged source from a frame of its peer.
package mutate
