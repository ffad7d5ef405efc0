// Package selftest implements `certify`: it measures reference devices whose effect is known. The
// effect is the reference value. The lab's error is the distance from it to the median of the
// measurements; each error has a limit.
//
//	reference devices ─► measured with each engine ─► value, error, within its limit or not
//	vxlan with itself ─► the smallest change that a comparison can show here
package selftest
