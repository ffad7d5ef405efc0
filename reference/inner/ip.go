package inner

import (
	"encoding/binary"
	"net/netip"
)

// Minimum lengths of an IP header in bytes (RFC 791 section 3.1, RFC 8200 section 3).
const (
	MinIPv4 = 20
	MinIPv6 = 40
)

// IsIP reports whether packet begins with an IPv4 or IPv6 header. The kernel checks everything else when
// it routes the packet.
func IsIP(packet []byte) bool {
	if len(packet) < MinIPv4 {
		return false
	}
	switch packet[0] >> 4 {
	case 4:
		return true
	case 6:
		return len(packet) >= MinIPv6
	}
	return false
}

// Length returns the length in bytes from a packet's IP header, or 0 if the packet is shorter than a
// header (RFC 791 section 3.1, RFC 8200 section 3).
func Length(packet []byte) int {
	if !IsIP(packet) {
		return 0
	}
	if packet[0]>>4 == 4 {
		return int(binary.BigEndian.Uint16(packet[2:]))
	}
	return MinIPv6 + int(binary.BigEndian.Uint16(packet[4:]))
}

// Source returns the source address of a packet that passes IsIP.
func Source(packet []byte) netip.Addr { return address(packet, 12, 8) }

// Destination returns the destination address of a packet that passes IsIP.
func Destination(packet []byte) netip.Addr { return address(packet, 16, 24) }

// address reads an address at offset at4 of an IPv4 header or at6 of an IPv6 header (RFC 791, RFC 8200).
func address(packet []byte, at4, at6 int) netip.Addr {
	if packet[0]>>4 == 4 {
		return netip.AddrFrom4([4]byte(packet[at4:]))
	}
	return netip.AddrFrom16([16]byte(packet[at6:]))
}

// EtherType returns the EtherType of a packet that passes IsIP.
func EtherType(packet []byte) uint16 {
	if packet[0]>>4 == 4 {
		return 0x0800
	}
	return 0x86dd
}

// Unpadded removes the padding that short Ethernet frames carry after an IP packet (IEEE 802.3 3.2.8).
// If the packet's length field exceeds the frame, the payload is returned unchanged: later checks drop
// it.
func Unpadded(payload []byte) []byte {
	if n := Length(payload); n > 0 && n < len(payload) {
		return payload[:n]
	}
	return payload
}
