package reference

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// Where each field of the header starts; all fields are big-endian.
const (
	offTunnel   = 0
	offSequence = offTunnel + 4
	offChecksum = offSequence + 8
	offLength   = offChecksum + 4

	// HeaderLen is the length of the header in octets.
	HeaderLen = offLength + 2
)

// ControlTunnel is the tunnel id reserved for control frames. No data tunnel
// may use it.
const ControlTunnel = 0

// Header is what a datagram says in front of its payload. The checksum is not
// in it: Seal computes it and Parse has checked it.
type Header struct {
	Tunnel   uint32 // which tunnel the payload belongs to
	Sequence uint64 // rises by one with each datagram
	Length   uint16 // octets of payload
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal writes the header into the first HeaderLen octets of datagram, in front
// of the payload that already stands there. The length field is
// len(datagram) - HeaderLen, which must be between 0 and 65535. It does not
// allocate.
func Seal(datagram []byte, tunnel uint32, sequence uint64) {
	header := datagram[:HeaderLen]
	binary.BigEndian.PutUint32(header[offTunnel:], tunnel)
	binary.BigEndian.PutUint64(header[offSequence:], sequence)
	binary.BigEndian.PutUint32(header[offChecksum:], 0)
	binary.BigEndian.PutUint16(header[offLength:], uint16(len(datagram)-HeaderLen))
	binary.BigEndian.PutUint32(header[offChecksum:], crc32.Checksum(datagram, castagnoli))
}

// Parse reads any datagram and checks its length, its length field and its
// checksum, in this order; DropNone means that all three held. The payload is
// a part of datagram. While Parse runs the checksum field is zero for a
// moment, so nobody else may read datagram. It does not allocate.
func Parse(datagram []byte) (h Header, payload []byte, drop Drop) {
	h, drop = parseHeader(datagram)
	if drop != DropNone {
		return h, nil, drop
	}
	if !checksumHolds(datagram) {
		return h, nil, DropChecksum
	}
	return h, datagram[HeaderLen:], DropNone
}

// Open is Parse for the owner of one tunnel. It compares the tunnel id before
// it pays for the checksum and then asks whether the payload is an IP packet.
// What is left to check is the replay window, which only an intact datagram
// may move.
func Open(datagram []byte, tunnel uint32) (h Header, payload []byte, drop Drop) {
	h, drop = parseHeader(datagram)
	if drop != DropNone {
		return h, nil, drop
	}
	if h.Tunnel != tunnel {
		return h, nil, DropTunnel
	}
	if !checksumHolds(datagram) {
		return h, nil, DropChecksum
	}
	payload = datagram[HeaderLen:]
	if !inner.IsIP(payload) {
		return h, nil, DropInner
	}
	return h, payload, DropNone
}

// parseHeader reads the fields; the checksum is not looked at yet.
func parseHeader(datagram []byte) (Header, Drop) {
	if len(datagram) < HeaderLen {
		return Header{}, DropShort
	}
	h := Header{
		Tunnel:   binary.BigEndian.Uint32(datagram[offTunnel:]),
		Sequence: binary.BigEndian.Uint64(datagram[offSequence:]),
		Length:   binary.BigEndian.Uint16(datagram[offLength:]),
	}
	if int(h.Length) != len(datagram)-HeaderLen {
		return h, DropLength
	}
	return h, DropNone
}

// checksumHolds recomputes the checksum in one pass over the datagram, with
// the field zero as it was in Seal, and puts the field back. One pass over
// contiguous octets is twice as fast on small packets as three around the field.
func checksumHolds(datagram []byte) bool {
	field := datagram[offChecksum:offLength]
	want := binary.BigEndian.Uint32(field)
	binary.BigEndian.PutUint32(field, 0)
	got := crc32.Checksum(datagram, castagnoli)
	binary.BigEndian.PutUint32(field, want)
	return got == want
}
