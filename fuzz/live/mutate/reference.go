package mutate

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// Offsets of the fields of the reference tunnel's header.
const (
	offSequence = 4
	offChecksum = 12
	offLength   = 16
)

// peerTunnel is the tunnel id of the lab's first peer.
const peerTunnel = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// referenceFrame appends a frame as the peer sends it, with one fault for which it must be dropped. The
// checksum is right, unless it is the fault.
func (s *Stream) referenceFrame(b []byte) []byte {
	start := len(b)
	b = append(b, blank[:wire.HeaderLen]...)
	b = s.inner(b)
	f := b[start:]
	binary.BigEndian.PutUint32(f, peerTunnel)
	binary.BigEndian.PutUint64(f[offSequence:], s.sequence())
	binary.BigEndian.PutUint16(f[offLength:], uint16(len(f)-wire.HeaderLen))
	if s.path.Forge && s.oneIn(2) {
		s.note("forged")
		putChecksum(f)
		return b
	}
	return s.breakFrame(b, start)
}

// sequence returns a number at an edge of the range, or one that was used long ago.
func (s *Stream) sequence() uint64 {
	switch s.random.IntN(5) {
	case 0:
		s.note("sequence huge")
		return ^uint64(0) - uint64(s.between(0, 1<<16))
	case 1:
		s.note("sequence replayed")
		return uint64(s.between(0, 64))
	case 2:
		s.note("sequence random")
		return s.random.Uint64()
	}
	return uint64(s.between(1, 1<<20))
}

// putChecksum writes the right checksum into f.
func putChecksum(f []byte) {
	binary.BigEndian.PutUint32(f[offChecksum:], 0)
	binary.BigEndian.PutUint32(f[offChecksum:], crc32.Checksum(f, castagnoli))
}

// breakFrame puts one fault into the frame that begins at start.
func (s *Stream) breakFrame(b []byte, start int) []byte {
	f := b[start:]
	inside := f[wire.HeaderLen:]
	switch s.random.IntN(7) {
	case 0:
		s.note("tunnel id")
		binary.BigEndian.PutUint32(f, s.otherTunnel())
	case 1:
		s.note("checksum")
		putChecksum(f)
		f[s.between(0, len(f)-1)] ^= 1 << s.random.IntN(8)
		return b
	case 2:
		s.note("length field")
		binary.BigEndian.PutUint16(f[offLength:], s.otherLength(uint16(len(inside))))
	case 3:
		s.note("bytes after the end")
		b = s.fill(b, s.between(1, 9))
		f = b[start:]
	case 4:
		s.note("inner version")
		inside[0] = byte([]uint8{0, 1, 5, 7, 15}[s.random.IntN(5)])<<4 | inside[0]&15
	case 5:
		s.note("inner packet cut")
		b = b[:start+wire.HeaderLen+s.between(0, 19)]
		f = b[start:]
		binary.BigEndian.PutUint16(f[offLength:], uint16(len(f)-wire.HeaderLen))
	case 6:
		s.note("inner source")
		s.foreignSource(inside)
	}
	putChecksum(f)
	return b
}

// otherTunnel returns an id that differs from the peer's.
func (s *Stream) otherTunnel() uint32 {
	switch s.random.IntN(4) {
	case 0:
		return 0
	case 1:
		return peerTunnel + uint32(s.between(1, 9))
	case 2:
		return ^uint32(0)
	}
	return s.random.Uint32() | 1<<16
}

// otherLength returns a length that differs from n.
func (s *Stream) otherLength(n uint16) uint16 {
	switch s.random.IntN(4) {
	case 0:
		return ^uint16(0)
	case 1:
		return n + uint16(s.between(1, 3))
	case 2:
		return n - uint16(s.between(1, 3))
	}
	return n ^ uint16(s.between(1, 1<<16-1))
}

// controlFrame appends a frame for tunnel 0, to which an end must not reply.
func (s *Stream) controlFrame(b []byte) []byte {
	start := len(b)
	b = append(b, blank[:wire.HeaderLen]...)
	b = s.fill(b, s.between(0, 24))
	f := b[start:]
	binary.BigEndian.PutUint64(f[offSequence:], s.sequence())
	binary.BigEndian.PutUint16(f[offLength:], uint16(len(f)-wire.HeaderLen))
	putChecksum(f)
	return b
}
