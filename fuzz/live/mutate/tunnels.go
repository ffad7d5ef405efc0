package mutate

import "encoding/binary"

// labVNI is the network identifier of the lab's VXLAN device.
const labVNI = 9

// vxlan appends flags, network identifier and an inner frame (RFC 7348 section 5).
func (s *Stream) vxlan(b []byte) []byte {
	flags, vni := byte(8), uint32(labVNI)
	if s.oneIn(4) {
		s.note("flags")
		flags = byte(s.random.Uint32())
	}
	if s.oneIn(2) {
		s.note("vni")
		vni = s.random.Uint32() >> 8
	}
	b = append(b, flags, 0, 0, 0, byte(vni>>16), byte(vni>>8), byte(vni), 0)
	if s.oneIn(8) {
		s.note("reserved bytes")
		b[len(b)-1], b[len(b)-6] = byte(s.random.Uint32()), byte(s.random.Uint32())
	}
	return s.ethernet(b)
}

// ethernet appends an inner frame, to the broadcast address or to an unknown address.
func (s *Stream) ethernet(b []byte) []byte {
	start := len(b)
	b = s.fill(b, ethernetLen-2)
	if s.oneIn(2) {
		s.note("inner broadcast")
		copy(b[start:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	}
	b[start+6] &= 0xfe // a source address is not a group address
	types := [...]uint16{etherIPv4, etherIPv4, etherIPv6, 0x0806, 0x8100, 0x88a8, 0, 46, 0xffff}
	b = binary.BigEndian.AppendUint16(b, types[s.random.IntN(len(types))])
	if s.oneIn(8) {
		s.note("inner frame cut")
		return b[:s.between(start, len(b))]
	}
	return s.inner(b)
}

// wireGuard appends a message of a type with the right length and random contents. Without the keys no
// message can be valid.
func (s *Stream) wireGuard(b []byte, kind byte, length int) []byte {
	b = append(b, kind, 0, 0, 0)
	if s.oneIn(8) {
		s.note("reserved bytes")
		b[len(b)-1] = byte(s.random.Uint32())
	}
	if s.oneIn(8) {
		s.note("length")
		length += []int{-4, -1, 1, 16}[s.random.IntN(4)]
	}
	return s.fill(b, length-4)
}

// gre appends a header with or without the optional fields that its flags announce (RFC 2784, RFC 2890).
func (s *Stream) gre(b []byte) []byte {
	flags := byte(s.random.Uint32()) & 0xf0
	b = append(b, flags, byte(s.random.Uint32())&0x87, 0x08, 0x00)
	for bit := byte(0x80); bit >= 0x10; bit >>= 1 {
		if flags&bit != 0 && !s.oneIn(4) {
			b = s.fill(b, 4)
		}
	}
	return s.inner(b)
}

// geneve appends a header with options, whose length fields may be wrong (RFC 8926).
func (s *Stream) geneve(b []byte) []byte {
	words := s.between(0, 4)
	said := words
	if s.oneIn(2) {
		s.note("options length")
		said = s.between(0, 63)
	}
	b = append(b, byte(said), byte(s.random.Uint32())&0xc0, 0x65, 0x58)
	b = s.fill(b, 3)
	b = append(b, 0)
	for range words {
		b = append(s.fill(b, 3), byte(s.between(0, 31)))
	}
	return s.ethernet(b)
}

// gtp appends a GTP-U header with a chain of extension headers (3GPP TS 29.281).
func (s *Stream) gtp(b []byte) []byte {
	flags := byte(0x30) | byte(s.random.IntN(8))
	b = append(b, flags, []byte{0xff, 1, 26, 254}[s.random.IntN(4)])
	b = binary.BigEndian.AppendUint16(b, uint16(s.between(0, 200)))
	b = s.fill(b, 4)
	if flags&7 != 0 {
		b = append(s.fill(b, 3), 0x85)
		for range s.random.IntN(4) {
			b = append(b, byte(s.random.IntN(3)), 0, 0, 0x85)
		}
	}
	return s.inner(b)
}
