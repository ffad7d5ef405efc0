//go:build dvyukov || libfuzzer

package oracle

// instrumentationSlack is in bytes: go-fuzz and libFuzzer trace comparisons and copy the operands of some.
const instrumentationSlack = 1 << 20
