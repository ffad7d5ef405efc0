package wire

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Where each field of the header starts; all fields are big-endian.
const (
	offTunnel   = 0
	offSequence = offTunnel + 4
	offChecksum = offSequence + 8
	offLength   = offChecksum + 4

	// HeaderLen is the length of the header in bytes.
	HeaderLen = offLength + 2
)

// ControlTunnel is the tunnel id reserved for control frames. No data tunnel
// may use it.
const ControlTunnel = 0

// Header is what a datagram says in front of its payload. The checksum is not
// in it: PutHeader computes it and ParseDatagram checks it.
type Header struct {
	Tunnel   uint32 // which tunnel the payload belongs to
	Sequence uint64 // rises by one with each datagram
	Length   uint16 // bytes of payload
}

// Why a datagram is refused. They are returned bare and can be compared with ==.
var (
	ErrShort    = errors.New("datagram shorter than the header")
	ErrLength   = errors.New("length field differs from the datagram's length")
	ErrChecksum = errors.New("wrong checksum")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// PutHeader writes the header into the first HeaderLen bytes of datagram, in
// front of the payload that already stands there. The length field becomes
// len(datagram) - HeaderLen, which must be between 0 and 65535.
func PutHeader(datagram []byte, tunnel uint32, sequence uint64) {
	header := datagram[:HeaderLen]
	binary.BigEndian.PutUint32(header[offTunnel:], tunnel)
	binary.BigEndian.PutUint64(header[offSequence:], sequence)
	binary.BigEndian.PutUint32(header[offChecksum:], 0)
	binary.BigEndian.PutUint16(header[offLength:], uint16(len(datagram)-HeaderLen))
	binary.BigEndian.PutUint32(header[offChecksum:], crc32.Checksum(datagram, castagnoli))
}

// ParseDatagram reads a datagram and checks its length, its length field and its
// checksum, in this order. It returns ErrShort, ErrLength or ErrChecksum. The
// payload is a part of datagram. The checksum field is zero for a moment
// meanwhile, so no other goroutine may read datagram.
func ParseDatagram(datagram []byte) (h Header, payload []byte, err error) {
	if h, err = ParseHeader(datagram); err != nil {
		return h, nil, err
	}
	if !ChecksumHolds(datagram) {
		return h, nil, ErrChecksum
	}
	return h, datagram[HeaderLen:], nil
}

// ParseHeader is the part of ParseDatagram that costs little: it does not look at
// the checksum. A receiver that knows its tunnels can refuse others before it
// pays for ChecksumHolds.
func ParseHeader(datagram []byte) (Header, error) {
	if len(datagram) < HeaderLen {
		return Header{}, ErrShort
	}
	h := Header{
		Tunnel:   binary.BigEndian.Uint32(datagram[offTunnel:]),
		Sequence: binary.BigEndian.Uint64(datagram[offSequence:]),
		Length:   binary.BigEndian.Uint16(datagram[offLength:]),
	}
	if int(h.Length) != len(datagram)-HeaderLen {
		return h, ErrLength
	}
	return h, nil
}

// ChecksumHolds reports whether the checksum of a datagram, which must not be
// shorter than a header, is right. It makes one pass over the datagram, with the
// field zero as in PutHeader, and puts the field back: on small packets that is
// twice as fast as three passes around the field.
func ChecksumHolds(datagram []byte) bool {
	field := datagram[offChecksum:offLength]
	want := binary.BigEndian.Uint32(field)
	binary.BigEndian.PutUint32(field, 0)
	got := crc32.Checksum(datagram, castagnoli)
	binary.BigEndian.PutUint32(field, want)
	return got == want
}
