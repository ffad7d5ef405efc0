package loadgen

import (
	"encoding/binary"
	"errors"
)

// SignatureLen is the length in octets of a Signature: all the room that the
// UDP payload of a 64-octet IPv4 frame has.
const SignatureLen = 18

// Signature is what makes a frame the tester's own: the first octets of its
// UDP payload, big-endian.
//
//	0       2       4        5       6          10          18
//	+-------+-------+--------+-------+----------+-----------+
//	| magic | trial | stream | check | sequence | send time |
//	+-------+-------+--------+-------+----------+-----------+
//
// check is the exclusive or of all other octets, so that a damaged stamp is
// not taken for a late or an early frame.
type Signature struct {
	Trial    uint16
	Stream   uint8
	Sequence uint32
	SentAt   uint64 // CLOCK_MONOTONIC nanoseconds
}

const signatureMagic = 0x7462 // "tb"

// Offsets inside the signature.
const (
	offMagic    = 0
	offTrial    = 2
	offStream   = 4
	offCheck    = 5
	offSequence = 6
	offSentAt   = 10
)

// Why octets are not a signature.
var (
	ErrForeign = errors.New("no signature of the tester")
	ErrDamaged = errors.New("signature with a wrong check octet")
)

// check is the exclusive or of every octet of the signature but itself.
func (s Signature) check() uint8 {
	x := s.SentAt ^ uint64(s.Sequence) ^ uint64(s.Trial) ^ uint64(s.Stream) ^ signatureMagic
	x ^= x >> 32
	x ^= x >> 16
	return uint8(x ^ x>>8)
}

// Put writes the signature to b[:SignatureLen].
func (s Signature) Put(b []byte) {
	_ = b[SignatureLen-1]
	binary.BigEndian.PutUint16(b[offMagic:], signatureMagic)
	binary.BigEndian.PutUint16(b[offTrial:], s.Trial)
	b[offStream], b[offCheck] = s.Stream, s.check()
	binary.BigEndian.PutUint32(b[offSequence:], s.Sequence)
	binary.BigEndian.PutUint64(b[offSentAt:], s.SentAt)
}

// ParseSignature reads the signature at the head of a UDP payload. It returns
// ErrForeign or ErrDamaged, bare; it never allocates.
func ParseSignature(b []byte) (Signature, error) {
	if len(b) < SignatureLen || binary.BigEndian.Uint16(b[offMagic:]) != signatureMagic {
		return Signature{}, ErrForeign
	}
	s := Signature{
		Trial:    binary.BigEndian.Uint16(b[offTrial:]),
		Stream:   b[offStream],
		Sequence: binary.BigEndian.Uint32(b[offSequence:]),
		SentAt:   binary.BigEndian.Uint64(b[offSentAt:]),
	}
	if b[offCheck] != s.check() {
		return Signature{}, ErrDamaged
	}
	return s, nil
}
