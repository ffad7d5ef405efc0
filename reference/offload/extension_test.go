package offload

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
)

// chain returns IPv6 extension headers as pairs of a protocol and the bytes after the first two, which are the
// next protocol and the length.
func chain(packet []byte, headers ...extension) []byte {
	protocol := packet[ipv6NextHeader]
	var between []byte
	for i, h := range headers {
		next := protocol
		if i+1 < len(headers) {
			next = headers[i+1].kind
		}
		between = append(append(between, next, byte(len(h.rest)/8)), h.rest...)
	}
	packet = slices.Concat(packet[:40], between, packet[40:])
	if len(headers) > 0 {
		packet[ipv6NextHeader] = headers[0].kind
	}
	binary.BigEndian.PutUint16(packet[4:], uint16(len(packet)-40))
	return packet
}

// extension is an IPv6 extension header without its first two bytes; rest has 6 bytes more than a multiple of 8.
type extension struct {
	kind byte
	rest []byte
}

// routingTo returns a routing header of a type with one segment left, whose address is to.
func routingTo(kind byte, to string) extension {
	return extension{routing, append([]byte{kind, 1, 0, 0, 0, 0}, net.ParseIP(to).To16()...)}
}

// extensionChains are IPv6 extension headers, and whether packets with them can be split.
var extensionChains = map[string]struct {
	headers []extension
	splits  bool
	via     bool // the header's destination is only the first hop
}{
	"destination options":  {[]extension{{destinationOptions, make([]byte, 6)}}, true, false},
	"hop-by-hop":           {[]extension{{hopByHop, make([]byte, 6)}}, true, false},
	"longest options":      {[]extension{{destinationOptions, make([]byte, 2046)}}, true, false},
	"all":                  {[]extension{{hopByHop, make([]byte, 14)}, {destinationOptions, make([]byte, 6)}, routingTo(routingSegments, "2001:db8::2"), {destinationOptions, make([]byte, 22)}}, true, true},
	"mobile routing":       {[]extension{routingTo(routingMobile, "2001:db8::2")}, true, true},
	"no segments left":     {[]extension{{routing, make([]byte, 6)}}, true, false},
	"long chain":           {slices.Repeat([]extension{{destinationOptions, make([]byte, 6)}}, 100), true, false},
	"unknown routing":      {[]extension{routingTo(99, "2001:db8::2")}, false, false},
	"routing without room": {[]extension{{routing, []byte{routingMobile, 1, 0, 0, 0, 0}}}, false, false},
	"fragment":             {[]extension{{44, make([]byte, 6)}}, false, false},
	"authentication":       {[]extension{{51, make([]byte, 14)}}, false, false},
	"encrypted":            {[]extension{{50, make([]byte, 14)}}, false, false},
	"unknown":              {[]extension{{253, make([]byte, 6)}}, false, false},
}

// TestSplitCopiesExtensionHeaders splits a super-packet with IPv6 extension headers, and one without them. The
// packets must be the same but for these headers, so the checksums are those of the final destination.
func TestSplitCopiesExtensionHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range extensionChains {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, f := range kinds() {
				if !f.ipv6 {
					continue
				}
				whole := f.next(t, random(rand.New(rand.NewPCG(1, 1)), 5000))
				plain, _ := parseTransport(whole)
				long := chain(whole, c.headers...)
				if c.via {
					copy(long[24:40], net.ParseIP("2001:db8::99").To16())
				}
				extra := len(long) - len(whole)
				into, cut := make([]byte, MaxSuper), make([]byte, MaxSuper)
				var s, want Splitter
				h := VirtioHeader{Flags: NeedsChecksum, GSOType: GSOTCP6, GSOSize: 1200, ChecksumStart: uint16(plain.ipLen), ChecksumOffset: tcpChecksum}
				if plain.udp {
					h.GSOType, h.ChecksumOffset = GSOUDP, udpChecksum
				}
				if !want.Start(h, whole) {
					t.Fatal("the packet without extension headers is refused")
				}
				h.ChecksumStart += uint16(extra)
				if ok := s.Start(h, long); ok != c.splits {
					t.Fatalf("split is %v, want %v", ok, c.splits)
				}
				for s.More() {
					got := into[:s.Next(into)]
					expected := chain(cut[:want.Next(cut)], c.headers...)
					copy(expected[24:40], long[24:40])
					if !bytes.Equal(got, expected) {
						t.Fatalf("%x\nwant\n%x", got, expected)
					}
				}
				if c.splits && want.More() {
					t.Error("packets are missing")
				}
			}
		})
	}
}
