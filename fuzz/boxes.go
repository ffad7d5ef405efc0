//go:build !gofuzz

package fuzz

// boxes is what the engine's own instrumentation may allocate.
const boxes = 0
