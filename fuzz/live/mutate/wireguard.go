package mutate

import (
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/blake2s"
)

// Session is what an attacker of WireGuard may know, who reads the link. It may change between mutants.
type Session struct {
	Receiver   [32]byte // public key of the attacked end
	Initiation []byte   // a genuine initiation that the attacked end has received; nil: none
	Index      uint32   // with which the attacked end knows the live session
}

// Lengths and offsets of WireGuard's messages.
const (
	initiationLen = 148
	offMAC1       = initiationLen - 32
	macLen        = 16
)

// mac1 returns the hash that makes mac1 for the attacked end (Donenfeld, "WireGuard", section 5.4.4).
func (n *Session) mac1() hash.Hash {
	if n == nil {
		n = &Session{}
	}
	key := blake2s.Sum256(append([]byte("mac1----"), n.Receiver[:]...))
	h, err := blake2s.New128(key[:])
	if err != nil {
		panic(err) // the key is too long
	}
	return h
}

// forgedInitiation appends an initiation of which only mac1 is right: the receiver has to multiply on the curve to
// find that out.
func (s *Stream) forgedInitiation(b []byte) []byte {
	start := len(b)
	b = s.fill(append(b, 1, 0, 0, 0), offMAC1-4)
	if s.oneIn(16) {
		s.note("ephemeral key of low order")
		clear(b[start+8 : start+40])
	}
	s.mac1.Reset()
	s.mac1.Write(b[start:])
	b = s.mac1.Sum(b)
	return append(b, blank[:macLen]...)
}

// replayedInitiation appends the genuine initiation, or one with only the right mac1 if none is known.
func (s *Stream) replayedInitiation(b []byte) []byte {
	if s.path.Session == nil || s.path.Session.Initiation == nil {
		return s.forgedInitiation(b)
	}
	return append(b, s.path.Session.Initiation...)
}

// badTag appends data of the live session that do not open. The counter is plausible, so that the receiver has to
// compute the tag.
func (s *Stream) badTag(b []byte) []byte {
	if s.path.Session == nil {
		return s.unknownIndex(b)
	}
	return s.sealedData(b, s.path.Session.Index)
}

// unknownIndex appends data of no session.
func (s *Stream) unknownIndex(b []byte) []byte { return s.sealedData(b, s.random.Uint32()) }

// sealedData appends random data with an index.
func (s *Stream) sealedData(b []byte, index uint32) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, 4, 0, 0, 0), index)
	b = binary.LittleEndian.AppendUint64(b, s.counter())
	length := macLen * s.between(1, 9)
	if s.oneIn(4) {
		length = macLen * s.between(9, 90)
	}
	return s.fill(b, max(macLen, min(length, s.room(b))/macLen*macLen))
}

// counter returns a plausible counter, or one at an edge.
func (s *Stream) counter() uint64 {
	if s.oneIn(8) {
		s.note("counter at its limit")
		return ^uint64(0) - uint64(s.between(0, 1<<14))
	}
	return uint64(s.between(0, 1<<30))
}
