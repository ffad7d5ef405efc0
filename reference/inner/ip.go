package inner

import (
	"encoding/binary"
	"net/netip"
)

// Least bytes of an IP header (RFC 791 section 3.1, RFC 8200 section 3).
const (
	MinIPv4 = 20
	MinIPv6 = 40
)

// IsIP reports whether packet starts like an IPv4 or IPv6 packet. The kernel
// looks at everything else when it routes the packet.
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

// Length is the length in bytes that an IP packet says it has, or 0 when it
// is too short to say (RFC 791 section 3.1, RFC 8200 section 3).
func Length(packet []byte) int {
	if !IsIP(packet) {
		return 0
	}
	if packet[0]>>4 == 4 {
		return int(binary.BigEndian.Uint16(packet[2:]))
	}
	return MinIPv6 + int(binary.BigEndian.Uint16(packet[4:]))
}

// Source is where a packet that passes IsIP comes from.
func Source(packet []byte) netip.Addr { return address(packet, 12, 8) }

// Destination is where a packet that passes IsIP goes to.
func Destination(packet []byte) netip.Addr { return address(packet, 16, 24) }

// address reads an address at one place in IPv4's header and at another in
// IPv6's (RFC 791, RFC 8200).
func address(packet []byte, at4, at6 int) netip.Addr {
	if packet[0]>>4 == 4 {
		return netip.AddrFrom4([4]byte(packet[at4:]))
	}
	return netip.AddrFrom16([16]byte(packet[at6:]))
}

// EtherType is the type under which a packet that passes IsIP travels in an
// Ethernet frame.
func EtherType(packet []byte) uint16 {
	if packet[0]>>4 == 4 {
		return 0x0800
	}
	return 0x86dd
}

// Unpadded is the IP packet of an Ethernet frame's payload without the padding
// that short frames have behind it (IEEE 802.3 3.2.8). A length that is longer than
// the frame is left for the checks.
func Unpadded(payload []byte) []byte {
	if n := Length(payload); n > 0 && n < len(payload) {
		return payload[:n]
	}
	return payload
}
