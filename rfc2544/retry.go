package rfc2544

import "time"

// Retry limits the repeats of invalid trials: at least Times, and up to 20 while all trials
// together took less than Within.
type Retry struct {
	Times  int
	Within time.Duration
}

// mostRetries is how often even the shortest trial is repeated.
const mostRetries = 20

// Do calls an attempt until one is valid, and reports whether one was. An attempt returns how long
// it took; last is true if no other can follow. An error ends the attempts.
func (r Retry) Do(attempt func(last bool) (valid bool, took time.Duration, err error)) (valid bool, err error) {
	spent := time.Duration(0)
	for n := 0; ; n++ {
		valid, took, err := attempt(r.over(n, spent))
		spent += took
		if err != nil || valid || r.over(n, spent) {
			return valid && err == nil, err
		}
	}
}

// over reports whether the n-th repeat, counted from 0 for the trial itself, is the last one.
func (r Retry) over(n int, spent time.Duration) bool {
	return n >= r.Times && (spent >= r.Within || n >= mostRetries)
}
