//go:build !linux

package testenv

// features are those of Linux.
var features []feature
