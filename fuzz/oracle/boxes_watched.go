//go:build dvyukov || libfuzzer

package oracle

// go-fuzz and libFuzzer watch comparisons, and copy both sides of some.
const boxes = 1 << 20
