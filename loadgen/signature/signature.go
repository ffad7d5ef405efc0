// Package signature encodes and decodes the signature of the tester's frames. The tester recognises
// its frames by the signature. The signature has 18 bytes at the start of the UDP payload, in
// big-endian order. It fills the whole payload of the smallest IPv4 frame (64 bytes with FCS):
//
//	0       2       4        5       6          10          18
//	+-------+-------+--------+-------+----------+-----------+
//	| magic | trial | stream | check | sequence | send time |
//	+-------+-------+--------+-------+----------+-----------+
//
// check is the exclusive or of all other bytes. With it, the receiver detects a damaged signature.
// send time is CLOCK_MONOTONIC in ns. loadgen/bpf/tester.h defines the same layout in C.
package signature

import (
	"encoding/binary"
	"errors"
)

// Len is the length of a signature in bytes.
const Len = 18

// ConstantLen is the number of bytes at the start of a signature that are the same in all frames of a
// stream in a trial: magic, trial and stream.
const ConstantLen = offCheck

// Signature holds the fields of a signature.
type Signature struct {
	Trial    uint16
	Stream   uint8
	Sequence uint32
	SentAt   uint64 // CLOCK_MONOTONIC, ns
}

const magic = 0x7462 // "tb"

// Offsets of the fields in bytes.
const (
	offMagic    = 0
	offTrial    = 2
	offStream   = 4
	offCheck    = 5
	offSequence = 6
	offSentAt   = 10
)

// Errors of Parse.
var (
	ErrForeign = errors.New("no signature of the tester")
	ErrDamaged = errors.New("signature with a wrong check byte")
)

// Check returns the check byte: the exclusive or of all other bytes of the signature.
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

// Parse reads the signature at the start of a UDP payload. The error is ErrForeign or ErrDamaged,
// without a wrapper. Parse does not allocate memory.
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
