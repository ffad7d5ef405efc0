//go:build !dvyukov && !libfuzzer

package oracle

// instrumentationSlack is how many bytes the engine's instrumentation may allocate.
const instrumentationSlack = 0
