package wire

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// The slow decoders read one field at a time, in the order of the RFCs, without regard to speed. They
// share no code with the fast decoders.

// be reads a big-endian number of n bytes.
func be(data []byte, at, n int) (value uint64) {
	for _, b := range data[at : at+n] {
		value = value<<8 | uint64(b)
	}
	return value
}

// slowParse implements the documentation of wire.ParseDatagram.
func slowParse(datagram []byte) error {
	if len(datagram) < 18 {
		return tunnelwire.ErrShort
	}
	if be(datagram, 16, 2) != uint64(len(datagram)-18) {
		return tunnelwire.ErrLength
	}
	if uint32(be(datagram, 12, 4)) != slowChecksum(datagram) {
		return tunnelwire.ErrChecksum
	}
	return nil
}

// slowChecksum returns the CRC-32C with the checksum field set to zero.
func slowChecksum(datagram []byte) uint32 {
	blank := slices.Clone(datagram)
	clear(blank[12:16])
	return crc32.Checksum(blank, crc32.MakeTable(crc32.Castagnoli))
}

// slowIsIP reports whether a packet has at least a whole IP header: 20 bytes (RFC 791) or 40 (RFC 8200).
func slowIsIP(packet []byte) bool {
	if len(packet) == 0 {
		return false
	}
	least := map[byte]int{4: 20, 6: 40}[packet[0]/16]
	return least > 0 && len(packet) >= least
}

// onesSum returns the ones' complement sum of RFC 1071 over the pieces, each padded to an even length.
func onesSum(pieces ...[]byte) uint16 {
	var sum uint32
	for _, p := range pieces {
		for i, b := range p {
			if i%2 == 0 {
				sum += uint32(b) << 8
			} else {
				sum += uint32(b)
			}
			if sum > 0xffff {
				sum -= 0xffff
			}
		}
	}
	return uint16(sum)
}

// segment holds the parts of a TCP or UDP packet without fragmentation, whose length fields match its length.
// ip includes IPv6 options and routing headers.
type segment struct {
	ip, transport, payload []byte
	to                     []byte // IPv6: the final destination
	udp, ipv6              bool
}

// slowExtensions returns the IPv6 header of a packet with its options and routing headers, its final destination
// and its protocol; nil if the headers are not whole, or if they route to somewhere unknown.
func slowExtensions(packet []byte) (ip, to []byte, protocol byte) {
	ip, to, protocol = packet[:40], packet[24:40], packet[6]
	for slices.Contains([]byte{0, 43, 60}, protocol) {
		header := packet[len(ip):]
		if len(header) < 8 || len(header) < int(header[1])*8+8 {
			return nil, nil, 0
		}
		header = header[:int(header[1])*8+8]
		if protocol == 43 && header[3] != 0 {
			if len(header) < 24 || header[2] != 2 && header[2] != 4 {
				return nil, nil, 0
			}
			to = header[8:24]
		}
		ip, protocol = packet[:len(ip)+len(header)], header[0]
	}
	return ip, to, protocol
}

// slowSegment finds the parts of a packet. The parts share its memory; do not write to them.
func slowSegment(packet []byte) (s segment, ok bool) {
	if !slowIsIP(packet) {
		return s, false
	}
	var protocol byte
	if s.ipv6 = packet[0]>>4 == 6; s.ipv6 {
		if be(packet, 4, 2)+40 != uint64(len(packet)) {
			return s, false
		}
		if s.ip, s.to, protocol = slowExtensions(packet); s.ip == nil {
			return s, false
		}
	} else {
		n := int(packet[0]%16) * 4
		if be(packet, 2, 2) != uint64(len(packet)) || n < 20 || n > len(packet) || be(packet, 6, 2)&0x3fff != 0 {
			return s, false
		}
		s.ip, protocol = packet[:n], packet[9]
	}
	rest := packet[len(s.ip):]
	switch {
	case protocol == 17 && len(rest) >= 8 && be(rest, 4, 2) == uint64(len(rest)):
		s.udp, s.transport, s.payload = true, rest[:8], rest[8:]
	case protocol == 6 && len(rest) >= 20:
		n := int(rest[12]>>4) * 4
		if n < 20 || n > len(rest) {
			return s, false
		}
		s.transport, s.payload = rest[:n], rest[n:]
	default:
		return s, false
	}
	return s, true
}

// isPartial reports whether the checksum field holds the sum of the pseudo header only.
func (s segment) isPartial() bool {
	sum := s.pseudo()
	return uint16(be(s.transport, s.checksumAt(), 2)) == onesSum(sum) && onesSum(sum, slices.Concat(s.transport, s.payload))%0xffff != 0
}

// checksumAt is the offset of the checksum in the transport header.
func (s segment) checksumAt() int {
	if s.udp {
		return 6
	}
	return 16
}

// pseudo returns the pseudo header (RFC 768, RFC 8200, RFC 9293).
func (s segment) pseudo() []byte {
	p := slices.Clone(s.ip[12:20])
	protocol := byte(6)
	if s.ipv6 {
		p = slices.Concat(s.ip[8:24], s.to)
	}
	if s.udp {
		protocol = 17
	}
	p = binary.BigEndian.AppendUint32(p, uint32(len(s.transport)+len(s.payload)))
	return append(p, 0, 0, 0, protocol)
}

// build returns the packet with its lengths and checksums set.
func (s segment) build() []byte {
	ip, transport := slices.Clone(s.ip), slices.Clone(s.transport)
	n := len(transport) + len(s.payload)
	if s.udp {
		binary.BigEndian.PutUint16(transport[4:], uint16(n))
	}
	if s.ipv6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40+n))
	} else {
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+n))
		binary.BigEndian.PutUint16(ip[10:], 0)
		binary.BigEndian.PutUint16(ip[10:], ^onesSum(ip))
	}
	at := s.checksumAt()
	binary.BigEndian.PutUint16(transport[at:], 0)
	whole := segment{ip: ip, transport: transport, payload: s.payload, to: s.to, udp: s.udp, ipv6: s.ipv6}
	sum := ^onesSum(whole.pseudo(), slices.Concat(transport, s.payload))
	if s.udp && sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(transport[at:], sum)
	return slices.Concat(ip, transport, s.payload)
}
