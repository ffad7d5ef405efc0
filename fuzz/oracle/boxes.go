//go:build !dvyukov && !libfuzzer

package oracle

// boxes is what the engine's own instrumentation may allocate.
const boxes = 0
