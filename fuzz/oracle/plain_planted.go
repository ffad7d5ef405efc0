//go:build planted

package oracle

import "os"

// PanicOnly is an environment variable that disables all oracles except "panic". Most fuzz targets check
// nothing else; the comparison shows what the other oracles are worth.
const PanicOnly = "TB_PANIC_ONLY"

var panicOnly = os.Getenv(PanicOnly) != ""

// Harness returns the harness as the engines call it. With PanicOnly a failed oracle ends only the input.
func Harness(harness func([]byte) int) func([]byte) int {
	if !panicOnly {
		return harness
	}
	return func(data []byte) (accepted int) {
		defer func() {
			switch broken := recover().(type) {
			case nil, *Broken:
			default:
				panic(broken)
			}
		}()
		return harness(data)
	}
}
