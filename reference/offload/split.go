package offload

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
)

// Splitter splits a super-packet, a large TCP or UDP packet, into packets of one size, as a network card
// does (TSO, USO). Call Start, then Next while More returns true.
type Splitter struct {
	transport
	packet []byte
	size   int // payload bytes of each packet except the last
	at     int // offset of the next payload
	index  int // index of the next packet
}

// Start begins to split a packet with header h. It returns false if the packet cannot be split.
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

// More reports whether there is another packet.
func (s *Splitter) More() bool { return s.at < len(s.packet) }

// Next writes the next packet into into and returns its length. Call it only while More is true. If
// into is too short, Next returns 0 and ends the split.
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

// cutTCP sets the sequence number and flags of one segment. Only the last segment keeps FIN and PSH, and
// only the first keeps CWR.
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

// checksumsAreRight reports whether the IP and transport checksums are present, right, and in the form
// that setLength and setChecksum write: ones' complement has two zeros.
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

// FinishPartial completes a transport checksum that holds only the sum of the pseudo header. Virtual interfaces
// deliver such packets without marking them.
func FinishPartial(packet []byte) {
	if t, ok := parseTransport(packet); ok {
		t.finishPartial(packet)
	}
}

// finishPartial is FinishPartial of a packet whose headers are known.
func (t *transport) finishPartial(packet []byte) {
	partial := binary.BigEndian.Uint16(packet[t.checksumAt():]) == checksum.Fold(t.pseudo(packet, len(packet)-t.ipLen))
	if partial && !t.checksumsAreRight(packet) {
		t.setChecksum(packet)
	}
}
