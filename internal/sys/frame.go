package sys

// FrameAt is the part of an AF_XDP socket's memory that a descriptor speaks of,
// of capacity n, or nil when it reaches beyond: what stands in a shared ring is not
// believed further than that.
func FrameAt(memory []byte, start uint64, n uint32) []byte {
	if start > uint64(len(memory)) || uint64(n) > uint64(len(memory))-start {
		return nil
	}
	return memory[start : start+uint64(n) : start+uint64(n)]
}
