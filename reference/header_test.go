package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// packet makes an inner packet of n octets with the given IP version.
func packet(version byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i)
	}
	if n > 0 {
		p[0] = version<<4 | 5
	}
	return p
}

// datagram seals a payload.
func datagram(tunnel uint32, sequence uint64, payload []byte) []byte {
	d := append(make([]byte, HeaderLen), payload...)
	Seal(d, tunnel, sequence)
	return d
}

// slowCRC32C is the checksum bit by bit, as RFC 3720 appendix B.4 describes it.
func slowCRC32C(octets []byte) uint32 {
	crc := ^uint32(0)
	for _, o := range octets {
		crc ^= uint32(o)
		for range 8 {
			crc = crc>>1 ^ 0x82f63b78&-(crc&1)
		}
	}
	return ^crc
}

func TestSealWritesTheDocumentedOctets(t *testing.T) {
	got := datagram(0x01020304, 0x05060708090a0b0c, []byte("payload"))
	want, _ := hex.DecodeString("01020304" + "05060708090a0b0c" + "00000000" + "0007" + hex.EncodeToString([]byte("payload")))
	binary.BigEndian.PutUint32(want[12:16], slowCRC32C(want))
	if !bytes.Equal(got, want) {
		t.Fatalf("sealed\n%x, want\n%x", got, want)
	}
	if crc := slowCRC32C(make([]byte, 32)); crc != 0x8a9136aa {
		t.Fatalf("the test's own CRC-32C of 32 zeros is %08x, RFC 3720 says 8a9136aa", crc)
	}
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{20, 46, 47, 1500, 9000, maxMTU} {
		tunnel, sequence := rng.Uint32(), rng.Uint64()
		payload := packet(4, size)
		d := datagram(tunnel, sequence, payload)
		before := bytes.Clone(d)
		h, got, drop := Open(d, tunnel)
		want := Header{Tunnel: tunnel, Sequence: sequence, Length: uint16(size)}
		if h != want || drop != DropNone || !bytes.Equal(got, payload) {
			t.Errorf("size %d: opened %+v, %d octets, drop %v; want %+v", size, h, len(got), drop, want)
		}
		if !bytes.Equal(d, before) {
			t.Errorf("size %d: Open changed the datagram", size)
		}
	}
}

func TestParseTakesAnyPayload(t *testing.T) {
	h, payload, drop := Parse(datagram(ControlTunnel, 9, nil))
	if drop != DropNone || len(payload) != 0 || h != (Header{Sequence: 9}) {
		t.Errorf("empty control frame: %+v, %d octets, drop %v", h, len(payload), drop)
	}
}

func TestOpenNamesTheFirstFault(t *testing.T) {
	const tunnel = 7
	whole := func() []byte { return datagram(tunnel, 1, packet(4, 40)) }
	flip := func(at int) []byte { d := whole(); d[at] ^= 1; return d }
	cases := []struct {
		name string
		in   []byte
		want Drop
	}{
		{"nothing", nil, DropShort},
		{"one octet less than a header", whole()[:HeaderLen-1], DropShort},
		{"cut", whole()[:HeaderLen+39], DropLength},
		{"header alone", whole()[:HeaderLen], DropLength},
		{"longer than it says", append(whole(), 0), DropLength},
		{"length field", flip(offLength), DropLength},
		{"tunnel id", flip(offTunnel), DropTunnel},
		{"control frame", datagram(ControlTunnel, 1, packet(4, 40)), DropTunnel},
		{"sequence number", flip(offSequence), DropChecksum},
		{"checksum", flip(offChecksum), DropChecksum},
		{"last octet", flip(HeaderLen + 39), DropChecksum},
		{"empty", datagram(tunnel, 1, nil), DropInner},
		{"version 5", datagram(tunnel, 1, packet(5, 40)), DropInner},
		{"short IPv4", datagram(tunnel, 1, packet(4, 20-1)), DropInner},
		{"least IPv4", datagram(tunnel, 1, packet(4, 20)), DropNone},
		{"short IPv6", datagram(tunnel, 1, packet(6, 40-1)), DropInner},
		{"least IPv6", datagram(tunnel, 1, packet(6, 40)), DropNone},
	}
	for _, c := range cases {
		if _, _, got := Open(c.in, tunnel); got != c.want {
			t.Errorf("%s: drop %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	d := datagram(7, 1, packet(4, 46))
	for bit := range len(d) * 8 {
		d[bit/8] ^= 1 << (bit % 8)
		if _, _, drop := Parse(d); drop == DropNone {
			t.Errorf("bit %d flipped and not found", bit)
		}
		d[bit/8] ^= 1 << (bit % 8)
	}
}

func TestDropNames(t *testing.T) {
	seen := map[string]Drop{}
	for d := range numDrops {
		name := d.String()
		if other, twice := seen[name]; name == "" || name == "unknown" || twice {
			t.Errorf("drop %d is called %q, as is %d", d, name, other)
		}
		seen[name] = d
	}
	if numDrops.String() != "unknown" {
		t.Error("a number without a name must say so")
	}
}

func TestHeaderDoesNotAllocate(t *testing.T) {
	d := datagram(7, 1, packet(4, 46))
	if n := testing.AllocsPerRun(1000, func() { Seal(d, 7, 2) }); n != 0 {
		t.Errorf("Seal allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { Open(d, 7) }); n != 0 {
		t.Errorf("Open allocates %v times", n)
	}
	d[offSequence]++
	if n := testing.AllocsPerRun(1000, func() { Open(d, 7) }); n != 0 {
		t.Errorf("Open allocates %v times for a bad checksum", n)
	}
}

var benchSizes = []struct {
	name   string
	octets int
}{{"46", 46}, {"1500", 1500}}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			d := datagram(7, 1, packet(4, size.octets))
			b.SetBytes(int64(len(d)))
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				Seal(d, 7, i)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			d := datagram(7, 1, packet(4, size.octets))
			b.SetBytes(int64(len(d)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, drop := Open(d, 7); drop != DropNone {
					b.Fatal(drop)
				}
			}
		})
	}
}
