package wire

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Descriptor attacks what is believed of an AF_XDP descriptor: an address of 64
// bits and a length of 32, for a memory of as many octets as there are behind them.
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
		oracle.Agree("a frame that reaches beyond", frame == nil, true)
		return 0
	}
	oracle.Agree("octets", len(frame), int(n))
	oracle.Agree("capacity", cap(frame), int(n))
	if n > 0 {
		oracle.Agree("where it begins", &frame[0] == &memory[start], true)
	}
	return 1
}
