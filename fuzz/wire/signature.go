package wire

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Signature attacks the parser of the tester's signature, with the input unchanged and with a corrected check byte.
func Signature(data []byte) int {
	accepted := parseSignature(data)
	if len(data) < signature.Len {
		return accepted
	}
	corrected := oracle.Exact(data)
	want := signature.Signature{
		Trial: binary.BigEndian.Uint16(data[2:]), Stream: data[4],
		Sequence: binary.BigEndian.Uint32(data[6:]), SentAt: binary.BigEndian.Uint64(data[10:]),
	}
	want.Put(corrected)
	got, err := signature.Parse(corrected)
	if err != nil {
		oracle.Fail(oracle.RoundTrip, "%+v was written, but Parse refuses it: %v", want, err)
	}
	oracle.Same(want, got)
	bit := int(want.SentAt % (8 * signature.Len))
	corrected[bit/8] ^= 1 << (bit % 8)
	if got, err := signature.Parse(corrected); err == nil {
		oracle.Fail(oracle.Agreement, "bit %d was flipped, but Parse accepts %+v", bit, got)
	}
	return accepted
}

func parseSignature(data []byte) int {
	input := oracle.Exact(data)
	s, err := signature.Parse(input)
	oracle.Untouched(input, data)
	if oracle.Sampled(data, Costly) {
		oracle.Allocates(0, func() { _, _ = signature.Parse(data) })
		oracle.Takes(oracle.Budget(0), func() { _, _ = signature.Parse(data) })
	}
	if err != nil {
		oracle.Line(err)
		oracle.Same(signature.Signature{}, s)
		return 0
	}
	again := oracle.Exact(data)
	s.Put(again)
	oracle.Untouched(again, data)
	return 1
}
