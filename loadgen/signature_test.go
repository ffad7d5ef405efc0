package loadgen

import (
	"errors"
	"testing"
)

func TestSignatureRoundTrip(t *testing.T) {
	for _, want := range []Signature{
		{}, {Trial: 1, Stream: 1, Sequence: 1, SentAt: 1},
		{Trial: 0xffff, Stream: 0xff, Sequence: 0xffffffff, SentAt: ^uint64(0)},
		{Trial: 7, Sequence: 123456789, SentAt: 1763800000000000000},
	} {
		b := make([]byte, SignatureLen)
		want.Put(b)
		if got, err := ParseSignature(b); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

// Every single octet that changes is noticed.
func TestSignatureNoticesDamage(t *testing.T) {
	for i := range SignatureLen {
		b := make([]byte, SignatureLen)
		Signature{Trial: 3, Stream: 1, Sequence: 99, SentAt: 12345678901234}.Put(b)
		b[i] ^= 0x10
		want := ErrDamaged
		if i < offTrial {
			want = ErrForeign
		}
		if _, err := ParseSignature(b); !errors.Is(err, want) {
			t.Errorf("octet %d changed: %v, want %v", i, err, want)
		}
	}
	for n := range SignatureLen {
		if _, err := ParseSignature(make([]byte, n)); !errors.Is(err, ErrForeign) {
			t.Errorf("%d octets: %v, want %v", n, err, ErrForeign)
		}
	}
}

func TestSignatureAllocatesNothing(t *testing.T) {
	b := make([]byte, SignatureLen)
	n := testing.AllocsPerRun(100, func() {
		Signature{Sequence: 5}.Put(b)
		_, _ = ParseSignature(b)
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkParseSignature(b *testing.B) {
	octets := make([]byte, SignatureLen)
	Signature{Sequence: 5, SentAt: 99}.Put(octets)
	for b.Loop() {
		if _, err := ParseSignature(octets); err != nil {
			b.Fatal(err)
		}
	}
}
