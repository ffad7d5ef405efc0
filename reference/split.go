package reference

import "encoding/binary"

// splitter cuts a super-packet, a TCP or UDP packet that stands for many of one
// size, into these, as a network card does (TSO, USO). Start it, then call next
// while there is more.
type splitter struct {
	transport
	packet []byte
	size   int // octets of payload of each packet but the last
	at     int // where the next payload begins
	index  int // of the next packet
}

// start begins with a packet that h was in front of; false: it is none that can be cut up.
func (s *splitter) start(h virtioHeader, packet []byte) bool {
	*s = splitter{}
	t, ok := parseTransport(packet)
	if !ok || h.gsoSize == 0 || h.flags&needsChecksum == 0 || t.headerLen == len(packet) || int(h.checksumStart) != t.ipLen ||
		int(h.checksumOffset) != t.checksumAt()-t.ipLen {
		return false
	}
	switch h.gsoType {
	case gsoTCP4, gsoTCP4 | gsoECN:
		ok = !t.udp && !t.ipv6
	case gsoTCP6, gsoTCP6 | gsoECN:
		ok = !t.udp && t.ipv6
	case gsoUDP:
		ok = t.udp
	default:
		ok = false
	}
	if ok {
		*s = splitter{transport: t, packet: packet, size: int(h.gsoSize), at: t.headerLen}
	}
	return ok
}

// more tells whether there is another packet.
func (s *splitter) more() bool { return s.at < len(s.packet) }

// next, while there is more, writes the next packet and returns its length. It returns 0 when it is too
// long for into; the rest is given up then.
func (s *splitter) next(into []byte) int {
	payload := s.packet[s.at:min(s.at+s.size, len(s.packet))]
	n := s.headerLen + len(payload)
	if n > len(into) {
		s.at = len(s.packet)
		return 0
	}
	into = into[:n]
	copy(into, s.packet[:s.headerLen])
	copy(into[s.headerLen:], payload)
	if !s.ipv6 {
		id := binary.BigEndian.Uint16(into[ipv4ID:]) + uint16(s.index)
		binary.BigEndian.PutUint16(into[ipv4ID:], id)
	}
	if !s.udp {
		s.cutTCP(into[s.ipLen:])
	}
	s.setLength(into, n)
	s.setChecksum(into)
	s.at += len(payload)
	s.index++
	return n
}

// cutTCP gives one of several segments its sequence number. What ends a stream or
// a message is said by the last, that the window was reduced by the first.
func (s *splitter) cutTCP(header []byte) {
	sequence := binary.BigEndian.Uint32(header[tcpSequence:])
	binary.BigEndian.PutUint32(header[tcpSequence:], sequence+uint32(s.at-s.headerLen))
	if s.at+s.size < len(s.packet) {
		header[tcpFlags] &^= flagFIN | flagPSH
	}
	if s.index > 0 {
		header[tcpFlags] &^= flagCWR
	}
}

// setChecksum computes the transport checksum.
func (t transport) setChecksum(packet []byte) {
	field := packet[t.checksumAt():][:2]
	binary.BigEndian.PutUint16(field, 0)
	sum := ^fold(sum16(packet[t.ipLen:], t.pseudo(packet, len(packet)-t.ipLen)))
	if t.udp && sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(field, sum)
}

// checksumsAreRight tells whether the checksums of the IP header and of
// transport are there, right, and written as setLength and setChecksum write them: one's complement
// has two zeros.
func (t transport) checksumsAreRight(packet []byte) bool {
	const ones = 0xffff
	field := binary.BigEndian.Uint16(packet[t.checksumAt():])
	if t.udp && field == 0 || !t.udp && field == ones {
		return false
	}
	if !t.ipv6 && (binary.BigEndian.Uint16(packet[ipv4Checksum:]) == ones || fold(sum16(packet[:t.ipLen], 0)) != ones) {
		return false
	}
	return fold(sum16(packet[t.ipLen:], t.pseudo(packet, len(packet)-t.ipLen))) == ones
}

// finishPartial completes a transport checksum of which only the pseudo header
// is summed up: so it comes from a virtual cable, where nobody says so.
func finishPartial(packet []byte) {
	t, ok := parseTransport(packet)
	if !ok || binary.BigEndian.Uint16(packet[t.checksumAt():]) != fold(t.pseudo(packet, len(packet)-t.ipLen)) {
		return
	}
	if !t.checksumsAreRight(packet) {
		t.setChecksum(packet)
	}
}
