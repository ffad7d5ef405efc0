//go:build dvyukov

package sealed

// The harnesses under the names that go-fuzz-build expects. It does not see the native targets of the
// same names, because they are tests.

func FuzzDatagram(data []byte) int   { return Datagram(data) }
func FuzzMutate(data []byte) int     { return Mutate(data) }
func FuzzProgram(data []byte) int    { return Program(data) }
func FuzzWindow(data []byte) int     { return Window(data) }
func FuzzAllowedIPs(data []byte) int { return AllowedIPs(data) }
func FuzzInner(data []byte) int      { return Inner(data) }
func FuzzQuick(data []byte) int      { return Quick(data) }
