package loadgen

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz"
)

// FuzzSignature holds the parser of the tester's own frames to the oracles of
// package fuzz.
func FuzzSignature(f *testing.F) {
	whole := make([]byte, SignatureLen)
	Signature{Trial: 7, Stream: 1, Sequence: 42, SentAt: 1 << 40}.Put(whole)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), 18, 19, 20))
	f.Add(whole[:SignatureLen-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		attackSignature(t, data)
		if len(data) < SignatureLen {
			return
		}
		mended := fuzz.Exact(data)
		want := Signature{
			Trial: binary.BigEndian.Uint16(data[offTrial:]), Stream: data[offStream],
			Sequence: binary.BigEndian.Uint32(data[offSequence:]), SentAt: binary.BigEndian.Uint64(data[offSentAt:]),
		}
		want.Put(mended)
		if got, err := ParseSignature(mended); err != nil || got != want {
			t.Fatalf("%+v comes back as %+v, %v", want, got, err)
		}
		bit := int(want.SentAt % (8 * SignatureLen))
		mended[bit/8] ^= 1 << (bit % 8)
		if got, err := ParseSignature(mended); err == nil {
			t.Fatalf("bit %d was flipped and the parser accepts %+v", bit, got)
		}
	})
}

func attackSignature(t *testing.T, data []byte) {
	input := fuzz.Exact(data)
	var s Signature
	var err error
	fuzz.Allocation(0, func() { s, err = ParseSignature(input) })
	fuzz.Untouched(input, data)
	if err != nil {
		if s != (Signature{}) || err != ErrForeign && err != ErrDamaged {
			t.Fatalf("refused with %v and %+v", err, s)
		}
		return
	}
	again := make([]byte, SignatureLen)
	s.Put(again)
	if !bytes.Equal(again, data[:SignatureLen]) {
		t.Fatalf("%+v encodes to % x, was % x", s, again, data[:SignatureLen])
	}
}
