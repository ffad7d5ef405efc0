//go:build dvyukov

package wire

// The harnesses under the names that go-fuzz-build expects. It does not see the native targets of the
// same names, because they are tests.

func FuzzHeader(data []byte) int         { return Header(data) }
func FuzzInner(data []byte) int          { return Inner(data) }
func FuzzSplit(data []byte) int          { return Split(data) }
func FuzzMerge(data []byte) int          { return Merge(data) }
func FuzzWindow(data []byte) int         { return Window(data) }
func FuzzDecap(data []byte) int          { return Decap(data) }
func FuzzEnds(data []byte) int           { return Ends(data) }
func FuzzDescriptor(data []byte) int     { return Descriptor(data) }
func FuzzSignature(data []byte) int      { return Signature(data) }
func FuzzGopacketVXLAN(data []byte) int  { return GopacketVXLAN(data) }
func FuzzGopacketGeneve(data []byte) int { return GopacketGeneve(data) }
func FuzzGopacketGRE(data []byte) int    { return GopacketGRE(data) }
func FuzzGopacketGTPU(data []byte) int   { return GopacketGTPU(data) }
func FuzzGopacketUDP(data []byte) int    { return GopacketUDP(data) }
func FuzzGopacketIPv4(data []byte) int   { return GopacketIPv4(data) }
func FuzzGopacketIPv6(data []byte) int   { return GopacketIPv6(data) }
