package sys

// FrameAt returns n bytes of an AF_XDP socket's memory, beginning at start. It returns nil if they
// reach beyond the memory: the descriptor comes from a shared ring and is not trusted.
func FrameAt(memory []byte, start uint64, n uint32) []byte {
	if start > uint64(len(memory)) || uint64(n) > uint64(len(memory))-start {
		return nil
	}
	return memory[start : start+uint64(n) : start+uint64(n)]
}
