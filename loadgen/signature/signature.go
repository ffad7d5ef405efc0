// Package signature encodes and decodes the 18 bytes by which the tester
// recognises its own frames. They are the head of each frame's UDP payload,
// big-endian, and all the room that the smallest IPv4 frame (64 bytes) has:
//
//	0       2       4        5       6          10          18
//	+-------+-------+--------+-------+----------+-----------+
//	| magic | trial | stream | check | sequence | send time |
//	+-------+-------+--------+-------+----------+-----------+
//
// check is the exclusive or of all other bytes, so that a damaged signature is
// not taken for one of another frame. The same layout is in loadgen/bpf/tester.h.
package signature

import (
	"encoding/binary"
	"errors"
)

// Len is the length of a signature in bytes.
const Len = 18

// ConstantLen is how many bytes at the head of a signature are the same in all
// frames of a stream in a trial: magic, trial, stream.
const ConstantLen = offCheck

// Signature identifies a frame of the tester.
type Signature struct {
	Trial    uint16
	Stream   uint8
	Sequence uint32
	SentAt   uint64 // CLOCK_MONOTONIC, ns
}

const magic = 0x7462 // "tb"

// Offsets inside the signature.
const (
	offMagic    = 0
	offTrial    = 2
	offStream   = 4
	offCheck    = 5
	offSequence = 6
	offSentAt   = 10
)

// Why bytes are not a signature.
var (
	ErrForeign = errors.New("no signature of the tester")
	ErrDamaged = errors.New("signature with a wrong check byte")
)

// Check is the check byte: the exclusive or of every other byte.
func (s Signature) Check() uint8 {
	x := s.SentAt ^ uint64(s.Sequence) ^ uint64(s.Trial) ^ uint64(s.Stream) ^ magic
	x ^= x >> 32
	x ^= x >> 16
	return uint8(x ^ x>>8)
}

// Put writes the signature to b[:Len].
func (s Signature) Put(b []byte) {
	_ = b[Len-1]
	binary.BigEndian.PutUint16(b[offMagic:], magic)
	binary.BigEndian.PutUint16(b[offTrial:], s.Trial)
	b[offStream], b[offCheck] = s.Stream, s.Check()
	binary.BigEndian.PutUint32(b[offSequence:], s.Sequence)
	binary.BigEndian.PutUint64(b[offSentAt:], s.SentAt)
}

// Parse reads the signature at the head of a UDP payload. It returns
// ErrForeign or ErrDamaged, bare; it never allocates.
func Parse(b []byte) (Signature, error) {
	if len(b) < Len || binary.BigEndian.Uint16(b[offMagic:]) != magic {
		return Signature{}, ErrForeign
	}
	s := Signature{
		Trial:    binary.BigEndian.Uint16(b[offTrial:]),
		Stream:   b[offStream],
		Sequence: binary.BigEndian.Uint32(b[offSequence:]),
		SentAt:   binary.BigEndian.Uint64(b[offSentAt:]),
	}
	if b[offCheck] != s.Check() {
		return Signature{}, ErrDamaged
	}
	return s, nil
}
