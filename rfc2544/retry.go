package rfc2544

import "time"

// Retry is how often a trial that is not valid is repeated: Times in any case, and more often,
// up to 20 times, while the trials took less than Within together.
type Retry struct {
	Times  int
	Within time.Duration
}

// mostRetries is how often even the shortest trial is repeated.
const mostRetries = 20

// Do makes attempts until one is valid, and reports whether one was. An attempt says how long it took;
// last is for one that no other can follow. An error ends them all.
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
