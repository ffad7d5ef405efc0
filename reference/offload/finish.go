package offload

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// Protocol numbers, EtherTypes and UDP ports (IANA) of what can carry another packet. Linux also uses port 8472 for
// VXLAN.
const (
	protocolIPv4 = 4
	protocolIPv6 = 41
	protocolGRE  = 47
	protocolSCTP = 132

	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100 // 802.1Q
	etherService  = 0x88a8 // 802.1ad
	etherBridging = 0x6558 // an Ethernet frame in GRE or Geneve

	portGeneve     = 6081
	portVXLAN      = 4789
	portVXLANLinux = 8472
)

// maxNested is how deep Finish looks for packets in packets.
const maxNested = 4

// Finish completes the checksum that the sender of a packet left to its network card, also in a packet in VXLAN,
// Geneve, GRE or IP. Virtual interfaces deliver such packets without marking them.
func Finish(packet []byte) { finish(packet, maxNested) }

// finish begins with the innermost packet, which the checksums of the others cover. Most packets are TCP or UDP, and
// carry none.
func finish(packet []byte, deeper int) {
	t, ok := parseTransport(packet)
	if !ok {
		finishOther(packet, deeper)
		return
	}
	if t.udp && deeper > 0 {
		if within := inUDP(packet[t.ipLen:]); within != nil {
			finish(within, deeper-1)
		}
	}
	t.finishPartial(packet)
}

// finishOther finishes a packet of another protocol than TCP and UDP.
func finishOther(packet []byte, deeper int) {
	switch protocol, payload := upper(packet); {
	case protocol == protocolSCTP:
		finishSCTP(payload)
	case deeper == 0:
	case protocol == protocolGRE:
		finish(inGRE(payload), deeper-1)
	case protocol == protocolIPv4 || protocol == protocolIPv6:
		finish(payload, deeper-1)
	}
}

// upper returns the protocol and the bytes behind the IP header of an unfragmented packet. Without any the bytes
// are nil.
func upper(packet []byte) (protocol byte, payload []byte) {
	if n := inner.Length(packet); n == 0 || n != len(packet) {
		return 0, nil
	}
	var t transport
	if packet[0]>>4 == 6 {
		protocol, ok := t.extensions(packet)
		if !ok {
			return 0, nil
		}
		return protocol, packet[t.ipLen:]
	}
	n := int(packet[0]&15) * 4
	if n < inner.MinIPv4 || n > len(packet) || binary.BigEndian.Uint16(packet[ipv4Fragment:])&0x3fff != 0 {
		return 0, nil
	}
	return packet[ipv4Protocol], packet[n:]
}

// finishSCTP computes the CRC-32C of an SCTP packet without one (RFC 9260 section 6.8). A receiver takes it also
// where both sides have agreed to do without (RFC 9653 section 5.3).
func finishSCTP(packet []byte) {
	const field, end = 8, 12
	if len(packet) >= end && binary.LittleEndian.Uint32(packet[field:]) == 0 {
		binary.LittleEndian.PutUint32(packet[field:], crc32.Checksum(packet, castagnoli))
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// inGRE returns the packet in GRE (RFC 2784, RFC 2890), or nil.
func inGRE(p []byte) []byte {
	const checksum, key, sequence, others = 0x8000, 0x2000, 0x1000, 0x4fff
	if len(p) < 4 {
		return nil
	}
	flags, n := binary.BigEndian.Uint16(p), 4
	if flags&others != 0 {
		return nil
	}
	for _, field := range []uint16{checksum, key, sequence} {
		if flags&field != 0 {
			n += 4
		}
	}
	return carried(binary.BigEndian.Uint16(p[2:]), p[min(n, len(p)):])
}

// inUDP returns the packet in VXLAN (RFC 7348 section 5) or Geneve (RFC 8926 section 3.4), or nil.
func inUDP(p []byte) []byte {
	if len(p) < udpLen+8 {
		return nil
	}
	header := p[udpLen:]
	switch binary.BigEndian.Uint16(p[2:]) {
	case portVXLAN, portVXLANLinux:
		return carried(etherBridging, header[8:])
	case portGeneve:
		n := 8 + 4*int(header[0]&0x3f)
		return carried(binary.BigEndian.Uint16(header[2:]), header[min(n, len(header)):])
	}
	return nil
}

// carried returns the IP packet in what an EtherType announces, without the padding of a frame.
func carried(kind uint16, p []byte) []byte {
	const ethernetLen, tagLen = 14, 4
	if kind == etherBridging && len(p) >= ethernetLen {
		kind, p = binary.BigEndian.Uint16(p[12:]), p[ethernetLen:]
	}
	for (kind == etherVLAN || kind == etherService) && len(p) >= tagLen {
		kind, p = binary.BigEndian.Uint16(p[2:]), p[tagLen:]
	}
	if kind == etherIPv4 || kind == etherIPv6 {
		return inner.Unpadded(p)
	}
	return nil
}
