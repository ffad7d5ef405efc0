package signature

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Signature{
		"zero":     {},
		"ones":     {Trial: 1, Stream: 1, Sequence: 1, SentAt: 1},
		"all bits": {Trial: 0xffff, Stream: 0xff, Sequence: 0xffffffff, SentAt: ^uint64(0)},
		"typical":  {Trial: 7, Sequence: 123456789, SentAt: 1763800000000000000},
	} {
		t.Run(name, func(t *testing.T) {
			b := make([]byte, Len)
			want.Put(b)
			got, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Parse detects a change of any single byte.
func TestDamage(t *testing.T) {
	t.Parallel()
	for i := range Len {
		t.Run(fmt.Sprintf("byte %d", i), func(t *testing.T) {
			b := make([]byte, Len)
			Signature{Trial: 3, Stream: 1, Sequence: 99, SentAt: 12345678901234}.Put(b)
			b[i] ^= 0x10
			want := ErrDamaged
			if i < offTrial {
				want = ErrForeign
			}
			if _, err := Parse(b); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for n := range Len {
		b := make([]byte, Len)
		Signature{Trial: 3}.Put(b)
		if _, err := Parse(b[:n]); !errors.Is(err, ErrForeign) {
			t.Errorf("%d bytes: %v, want %v", n, err, ErrForeign)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	b := make([]byte, Len)
	n := testing.AllocsPerRun(100, func() {
		Signature{Sequence: 5}.Put(b)
		_, _ = Parse(b)
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkParse(b *testing.B) {
	encoded := make([]byte, Len)
	Signature{Sequence: 5, SentAt: 99}.Put(encoded)
	for b.Loop() {
		if _, err := Parse(encoded); err != nil {
			b.Fatal(err)
		}
	}
}
