//go:build dvyukov

package text

// The harnesses under the names that go-fuzz-build expects. It does not see the native targets of the
// same names, because they are tests.

func FuzzConfig(data []byte) int { return Config(data) }
func FuzzReplay(data []byte) int { return Replay(data) }
func FuzzWords(data []byte) int  { return Words(data) }
func FuzzOutput(data []byte) int { return Output(data) }
