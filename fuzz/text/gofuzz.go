//go:build dvyukov

package text

// The harnesses under the names that go-fuzz-build wants. The native targets of
// the same names are tests, which it does not see.

func FuzzConfig(data []byte) int { return Config(data) }
func FuzzReplay(data []byte) int { return Replay(data) }
func FuzzWords(data []byte) int  { return Words(data) }
func FuzzOutput(data []byte) int { return Output(data) }
