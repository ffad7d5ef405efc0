package mutate

import "encoding/binary"

// Protocol and type numbers.
const (
	protocolICMP = 1
	protocolUDP  = 17
	etherIPv4    = 0x0800
	etherIPv6    = 0x86dd
)

// headers returns the length of the headers in front of the payload.
func (s *Stream) headers() int { return ethernetLen + s.network() + udpLen }

// network returns the length of the underlay's IP header.
func (s *Stream) network() int {
	if s.path.To.Is4() {
		return ipv4Len
	}
	return ipv6Len
}

// wrap writes the headers before the payload of b, with a fault in one mutant of eight.
func (s *Stream) wrap(b []byte) []byte {
	copy(b, s.path.ToMAC[:])
	copy(b[6:], s.path.FromMAC[:])
	s.writeIP(b)
	s.writeUDP(b[ethernetLen+s.network():])
	if !s.oneIn(8) {
		return b
	}
	if s.path.To.Is4() {
		return s.breakIPv4(b)
	}
	return s.breakUDP(b)
}

func (s *Stream) writeIP(b []byte) {
	h := b[ethernetLen:]
	if s.path.To.Is4() {
		binary.BigEndian.PutUint16(b[12:], etherIPv4)
		from, to := s.from.Addr().As4(), s.path.To.As4()
		h[0], h[8], h[9] = 0x45, 64, protocolUDP
		binary.BigEndian.PutUint16(h[2:], uint16(len(h)))
		binary.BigEndian.PutUint16(h[4:], uint16(s.random.Uint32()))
		copy(h[12:], from[:])
		copy(h[16:], to[:])
		sumIPv4(h)
		return
	}
	binary.BigEndian.PutUint16(b[12:], etherIPv6)
	from, to := s.from.Addr().As16(), s.path.To.As16()
	h[0], h[6], h[7] = 0x60, protocolUDP, 64
	binary.BigEndian.PutUint16(h[4:], uint16(len(h)-ipv6Len))
	copy(h[8:], from[:])
	copy(h[24:], to[:])
}

// sumIPv4 writes the checksum of an IPv4 header of any length.
func sumIPv4(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], internetChecksum(0, h[:min(len(h), int(h[0]&15)*4)]))
}

func (s *Stream) writeUDP(u []byte) {
	binary.BigEndian.PutUint16(u, s.from.Port())
	binary.BigEndian.PutUint16(u[2:], s.port)
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	sum := internetChecksum(s.pseudo(len(u)), u)
	if sum == 0 {
		sum = 0xffff // 0 means no checksum (RFC 768)
	}
	binary.BigEndian.PutUint16(u[6:], sum)
}

// pseudo returns the partial sum of UDP's pseudo header.
func (s *Stream) pseudo(length int) uint32 {
	from, to := s.from.Addr().As16(), s.path.To.As16()
	at := 0
	if s.path.To.Is4() {
		at = 12 // skip the prefix of an IPv4 address in 16 bytes, which all share
	}
	sum := uint32(protocolUDP) + uint32(length)
	for ; at < 16; at += 2 {
		sum += uint32(from[at])<<8 | uint32(from[at+1])
		sum += uint32(to[at])<<8 | uint32(to[at+1])
	}
	return sum
}

// breakUDP puts a fault into the UDP header.
func (s *Stream) breakUDP(b []byte) []byte {
	u := b[ethernetLen+s.network():]
	switch s.random.IntN(3) {
	case 0:
		s.note("UDP checksum")
		binary.BigEndian.PutUint16(u[6:], uint16(s.random.Uint32()))
	case 1:
		s.note("no UDP checksum")
		u[6], u[7] = 0, 0
	case 2:
		s.note("UDP length")
		lengths := [...]int{0, 7, 8, len(u) - 1, len(u) + 1, 1<<16 - 1}
		binary.BigEndian.PutUint16(u[4:], uint16(lengths[s.random.IntN(len(lengths))]))
		u[6], u[7] = 0, 0 // no checksum: over IPv4 the length is then the only fault
	}
	return b
}

// breakIPv4 puts a fault into the IP header or its payload.
func (s *Stream) breakIPv4(b []byte) []byte {
	h := b[ethernetLen:]
	switch s.random.IntN(9) {
	case 0, 1, 2:
		return s.breakUDP(b)
	case 3, 4:
		return s.fragment(b)
	case 5:
		s.note("IP total length")
		binary.BigEndian.PutUint16(h[2:], uint16(max(0, len(h)-s.between(1, 28))))
	case 6:
		s.note("IP options")
		h[0] = 0x40 | byte(s.between(6, 15)) // the bytes after the header become options, if there are enough
	case 7:
		s.note("another protocol")
		h[9] = []byte{4, 41, 47, 50, 51, 132, 255}[s.random.IntN(7)]
	case 8:
		return s.quote(b)
	}
	sumIPv4(h)
	return b
}

// fragment makes the packet a first, middle or last fragment. Its datagram never becomes complete, or
// fragments overlap.
func (s *Stream) fragment(b []byte) []byte {
	s.note("fragment")
	h := b[ethernetLen:]
	const more = 1 << 13
	offsets := [...]uint16{0, 1, 2, 185, 8189, 8191}
	field := offsets[s.random.IntN(len(offsets))]
	if s.oneIn(2) || field == 0 {
		field |= more
	}
	binary.BigEndian.PutUint16(h[4:], uint16(s.between(0, 63))) // few ids, so that fragments of different mutants are combined
	binary.BigEndian.PutUint16(h[6:], field)
	sumIPv4(h)
	return b
}

// quote makes the packet an ICMP error about a packet that the attacked end supposedly sent: destination
// unreachable, or packet too big.
func (s *Stream) quote(b []byte) []byte {
	s.note("ICMP error")
	b = b[:ethernetLen+ipv4Len]
	codes := [...]byte{0, 1, 2, 3, 4, 9, 10, 13}
	icmp := len(b)
	b = append(b, 3, codes[s.random.IntN(len(codes))], 0, 0, 0, 0, byte(s.between(0, 5)), byte(s.random.Uint32()))
	quoted := len(b)
	b = append(b, blank[:ipv4Len+udpLen]...)
	q := b[quoted:]
	from, to := s.path.To.As4(), s.from.Addr().As4()
	q[0], q[8], q[9] = 0x45, 63, protocolUDP
	binary.BigEndian.PutUint16(q[2:], ipv4Len+udpLen+64)
	copy(q[12:], from[:])
	copy(q[16:], to[:])
	sumIPv4(q)
	binary.BigEndian.PutUint16(q[ipv4Len:], s.port)
	binary.BigEndian.PutUint16(q[ipv4Len+2:], s.from.Port())
	binary.BigEndian.PutUint16(q[ipv4Len+4:], udpLen+64)
	binary.BigEndian.PutUint16(b[icmp+2:], internetChecksum(0, b[icmp:]))
	h := b[ethernetLen:]
	h[9] = protocolICMP
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)))
	sumIPv4(h)
	return b
}
