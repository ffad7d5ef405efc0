// Package selftest is what `certify` does: it holds the lab against devices of known effect. What such
// a device does is the reference value; how far the median of the measurements is from it is the
// lab's error, which has a limit.
//
//	reference devices ─► measured with each engine ─► value, error, within its limit or not
//	vxlan with itself ─► the smallest change that a comparison can show here
package selftest
