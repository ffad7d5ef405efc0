package offload

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
)

// Splitter cuts a super-packet, a TCP or UDP packet that stands for many of one
// size, into these, as a network card does (TSO, USO). Start it, then call next
// while there is more.
type Splitter struct {
	transport
	packet []byte
	size   int // octets of payload of each packet but the last
	at     int // where the next payload begins
	index  int // of the next packet
}

// Start begins with a packet that h was in front of; false: it is none that can be cut up.
func (s *Splitter) Start(h VirtioHeader, packet []byte) bool {
	*s = Splitter{}
	t, ok := parseTransport(packet)
	if !ok || h.GSOSize == 0 || h.Flags&NeedsChecksum == 0 || t.headerLen == len(packet) || int(h.ChecksumStart) != t.ipLen ||
		int(h.ChecksumOffset) != t.checksumAt()-t.ipLen {
		return false
	}
	switch h.GSOType {
	case GSOTCP4, GSOTCP4 | GSOECN:
		ok = !t.udp && !t.ipv6
	case GSOTCP6, GSOTCP6 | GSOECN:
		ok = !t.udp && t.ipv6
	case GSOUDP:
		ok = t.udp
	default:
		ok = false
	}
	if ok {
		*s = Splitter{transport: t, packet: packet, size: int(h.GSOSize), at: t.headerLen}
	}
	return ok
}

// More tells whether there is another packet.
func (s *Splitter) More() bool { return s.at < len(s.packet) }

// next, while there is more, writes the next packet and returns its length. It returns 0 when it is too
// long for into; the rest is given up then.
func (s *Splitter) Next(into []byte) int {
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
func (s *Splitter) cutTCP(header []byte) {
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
	sum := ^checksum.Fold(checksum.Sum(packet[t.ipLen:], t.pseudo(packet, len(packet)-t.ipLen)))
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
	if !t.ipv6 && (binary.BigEndian.Uint16(packet[ipv4Checksum:]) == ones || checksum.Fold(checksum.Sum(packet[:t.ipLen], 0)) != ones) {
		return false
	}
	return checksum.Fold(checksum.Sum(packet[t.ipLen:], t.pseudo(packet, len(packet)-t.ipLen))) == ones
}

// FinishPartial completes a transport checksum of which only the pseudo header
// is summed up: so it comes from a virtual cable, where nobody says so.
func FinishPartial(packet []byte) {
	t, ok := parseTransport(packet)
	if !ok || binary.BigEndian.Uint16(packet[t.checksumAt():]) != checksum.Fold(t.pseudo(packet, len(packet)-t.ipLen)) {
		return
	}
	if !t.checksumsAreRight(packet) {
		t.setChecksum(packet)
	}
}
