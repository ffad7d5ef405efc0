package mutate

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
)

// Header lengths in bytes.
const (
	ethernetLen = 14
	ipv4Len     = 20
	ipv6Len     = 40
	udpLen      = 8
	slack       = 16 // most bytes after an inner packet
)

// inner appends an IP packet with a UDP datagram. Unless a fault is noted it is IPv4, with a source behind
// the peer.
func (s *Stream) inner(b []byte) []byte {
	n := s.between(0, 64)
	if s.oneIn(16) {
		n = s.between(64, 1400)
	}
	n = min(n, max(0, s.room(b)-ipv6Len-udpLen-slack))
	start := len(b)
	if s.oneIn(6) {
		s.note("inner IPv6")
		b = append(b, blank[:ipv6Len]...)
		h := b[start:]
		h[0], h[6], h[7] = 0x60, protocolUDP, 64
		binary.BigEndian.PutUint16(h[4:], uint16(udpLen+n))
		copy(h[8:], innerPrefix[:])
		copy(h[24:], innerPrefix[:])
		h[23], h[39] = 2, 2
		h[31] = 1 // another network
	} else {
		b = append(b, blank[:ipv4Len]...)
		h := b[start:]
		from, to := s.path.InnerFrom.As4(), s.path.InnerTo.As4()
		h[0], h[8], h[9] = 0x45, 64, protocolUDP
		copy(h[12:], from[:])
		copy(h[16:], to[:])
		s.putTotalLength(h, ipv4Len+udpLen+n)
		binary.BigEndian.PutUint16(h[10:], internetChecksum(0, h[:ipv4Len]))
	}
	udp := len(b)
	b = append(b, blank[:udpLen]...)
	binary.BigEndian.PutUint16(b[udp:], 7)
	binary.BigEndian.PutUint16(b[udp+2:], 9)
	binary.BigEndian.PutUint16(b[udp+4:], uint16(udpLen+n))
	return s.fill(b, n)
}

// innerPrefix is the start of the IPv6 benchmarking prefix 2001:2::/48 (RFC 5180).
var innerPrefix = [4]byte{0x20, 0x01, 0x00, 0x02}

// putTotalLength writes the total length of an IPv4 header, sometimes a wrong one.
func (s *Stream) putTotalLength(h []byte, n int) {
	if s.oneIn(8) {
		s.note("inner length")
		n = []int{0, 19, n - 1, n + 1, 1<<16 - 1}[s.random.IntN(5)]
	}
	binary.BigEndian.PutUint16(h[2:], uint16(n))
}

// foreignSource replaces the source of an inner packet by an address that is not behind the peer.
func (s *Stream) foreignSource(packet []byte) {
	if packet[0]>>4 == 6 {
		packet[8] = []byte{0x00, 0xfe, 0xff}[s.random.IntN(3)]
		return
	}
	sources := [...][4]byte{{127, 0, 0, 1}, {0, 0, 0, 0}, {255, 255, 255, 255}, {224, 0, 0, 1}, {10, 0, 0, 1}, s.path.InnerTo.As4()}
	from := sources[s.random.IntN(len(sources))]
	copy(packet[12:16], from[:])
	packet[10], packet[11] = 0, 0
	binary.BigEndian.PutUint16(packet[10:], internetChecksum(0, packet[:ipv4Len]))
}

// internetChecksum returns the Internet checksum (RFC 1071) of b, added to a partial sum.
func internetChecksum(partial uint32, b []byte) uint16 {
	return ^checksum.Fold(checksum.Sum(b, uint64(partial)))
}
