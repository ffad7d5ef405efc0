package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// datagram returns a payload with a header.
func datagram(tunnel uint32, sequence uint64, payload []byte) []byte {
	d := append(make([]byte, HeaderLen), payload...)
	PutHeader(d, tunnel, sequence)
	return d
}

// slowCRC32C computes the checksum bit by bit (RFC 3720 appendix B.4).
func slowCRC32C(data []byte) uint32 {
	crc := ^uint32(0)
	for _, b := range data {
		crc ^= uint32(b)
		for range 8 {
			crc = crc>>1 ^ 0x82f63b78&-(crc&1)
		}
	}
	return ^crc
}

func TestPutHeaderWritesTheDocumentedBytes(t *testing.T) {
	t.Parallel()
	if crc := slowCRC32C(make([]byte, 32)); crc != 0x8a9136aa {
		t.Fatalf("the test's own CRC-32C of 32 zeros is %08x, RFC 3720 says 8a9136aa", crc)
	}
	got := datagram(0x01020304, 0x05060708090a0b0c, []byte("payload"))
	want, err := hex.DecodeString("01020304" + "05060708090a0b0c" + "00000000" + "0007" + hex.EncodeToString([]byte("payload")))
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(want[12:16], slowCRC32C(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 20, 46, 47, 1500, 9000, 1<<16 - 1} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			want := Header{Tunnel: rng.Uint32(), Sequence: rng.Uint64(), Length: uint16(size)}
			payload := bytes.Repeat([]byte{0x5a}, size)
			d := datagram(want.Tunnel, want.Sequence, payload)
			before := bytes.Clone(d)
			h, got, err := ParseDatagram(d)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if !bytes.Equal(got, payload) {
				t.Errorf("the payload of %d bytes is not the one that was sent", len(got))
			}
			if !bytes.Equal(d, before) {
				t.Error("ParseDatagram changed the datagram")
			}
		})
	}
}

func TestParseDatagramNamesTheFirstFault(t *testing.T) {
	t.Parallel()
	whole := func() []byte { return datagram(7, 1, make([]byte, 40)) }
	flip := func(at int) []byte { d := whole(); d[at] ^= 1; return d }
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":                      {nil, ErrShort},
		"one byte less than a header":  {whole()[:HeaderLen-1], ErrShort},
		"cut":                          {whole()[:HeaderLen+39], ErrLength},
		"header alone":                 {whole()[:HeaderLen], ErrLength},
		"longer than it says":          {append(whole(), 0), ErrLength},
		"length field":                 {flip(offLength), ErrLength},
		"tunnel id":                    {flip(offTunnel), ErrChecksum},
		"sequence number":              {flip(offSequence), ErrChecksum},
		"checksum":                     {flip(offChecksum), ErrChecksum},
		"last byte":                    {flip(HeaderLen + 39), ErrChecksum},
		"sound":                        {whole(), nil},
		"control frame without a word": {datagram(ControlTunnel, 9, nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, payload, got := ParseDatagram(c.in)
			if got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
			if got != nil && payload != nil {
				t.Errorf("a payload of %d bytes although the datagram is refused", len(payload))
			}
		})
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	d := datagram(7, 1, make([]byte, 46))
	for bit := range len(d) * 8 {
		d[bit/8] ^= 1 << (bit % 8)
		if _, _, err := ParseDatagram(d); err == nil {
			t.Errorf("bit %d flipped and not found", bit)
		}
		d[bit/8] ^= 1 << (bit % 8)
	}
}

func TestNoAllocations(t *testing.T) {
	d, damaged := datagram(7, 1, make([]byte, 46)), datagram(7, 1, make([]byte, 46))
	damaged[offSequence]++
	for name, f := range map[string]func(){
		"PutHeader":                        func() { PutHeader(d, 7, 2) },
		"ParseDatagram":                    func() { _, _, _ = ParseDatagram(d) },
		"ParseDatagram for a bad checksum": func() { _, _, _ = ParseDatagram(damaged) },
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(1000, f); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}

func BenchmarkPutHeader(b *testing.B) {
	for _, size := range []int{46, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := datagram(7, 1, make([]byte, size))
			b.SetBytes(int64(len(d)))
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				PutHeader(d, 7, i)
			}
		})
	}
}

func BenchmarkParseDatagram(b *testing.B) {
	for _, size := range []int{46, 1500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := datagram(7, 1, make([]byte, size))
			b.SetBytes(int64(len(d)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParseDatagram(d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
