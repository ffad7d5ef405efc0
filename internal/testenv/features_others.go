//go:build !linux

package testenv

// features is empty: NetAdmin skips the test before it looks at them.
var features []feature
