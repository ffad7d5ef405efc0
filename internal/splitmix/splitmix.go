// Package splitmix has the hash of the generator SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014).
package splitmix

// Golden is the step of the generator's state: 2^64 divided by the golden ratio.
const Golden = 0x9e3779b97f4a7c15

// Mix spreads the bits of x. Output n of the generator, from 0, with a seed is Mix(seed + (n+1)*Golden).
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
