package wire

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Descriptor attacks the bounds check of an AF_XDP descriptor. The input is a 64-bit address, a
// 32-bit length, and as many bytes as the memory (UMEM) shall have.
func Descriptor(data []byte) int {
	if len(data) < 12 {
		return 0
	}
	start, n := binary.BigEndian.Uint64(data), binary.BigEndian.Uint32(data[8:])
	memory := oracle.Exact(data[12:])
	inside := false
	for at := range uint64(len(memory)) + 1 { // one by one: nothing can wrap
		inside = inside || at == start && uint64(n) <= uint64(len(memory))-at
	}
	frame := sys.FrameAt(memory, start, n)
	if !inside {
		oracle.Agree("a frame beyond the end of the memory", frame == nil, true)
		return 0
	}
	oracle.Agree("length in bytes", len(frame), int(n))
	oracle.Agree("capacity", cap(frame), int(n))
	if n > 0 {
		oracle.Agree("the start of the frame", &frame[0] == &memory[start], true)
	}
	return 1
}
