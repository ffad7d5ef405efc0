//go:build planted

package oracle

import "os"

// PanicOnly is the environment's name for asking the oracle "panic" alone, as
// most fuzz targets do: what the others are worth.
const PanicOnly = "TB_PANIC_ONLY"

var panicOnly = os.Getenv(PanicOnly) != ""

// Harness is harness as the engines call it; an oracle that does not hold may
// end the input and nothing else.
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
