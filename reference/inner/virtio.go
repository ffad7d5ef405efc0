package inner

import (
	"encoding/binary"
	"math/bits"
)

// VirtioHeader is struct virtio_net_hdr (linux/virtio_net.h): what a TUN device
// with IFF_VNET_HDR says in front of a packet, and hears.
type VirtioHeader struct {
	Flags, GSOType uint8
	HeaderLen      uint16 // not to be trusted: on the forwarding path it may be the whole packet's
	GSOSize        uint16 // octets of payload of each packet but the last
	ChecksumStart  uint16 // where the transport header begins
	ChecksumOffset uint16 // from there to its checksum
}

// VirtioLen is its length in octets; the fields are in the machine's order.
const VirtioLen = 10

// MaxSuper is more than the longest packet that a TUN device hands over.
const MaxSuper = 1 << 16

// What the header's fields say (linux/virtio_net.h).
const (
	NeedsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM: only the pseudo header is summed up yet

	GSONone = 0
	GSOTCP4 = 1
	GSOTCP6 = 4
	GSOUDP  = 5 // VIRTIO_NET_HDR_GSO_UDP_L4, both IP versions
	GSOECN  = 0x80
)

// ParseVirtio reads a header of VirtioLen octets; p must not be shorter.
func ParseVirtio(p []byte) VirtioHeader {
	_ = p[VirtioLen-1]
	return VirtioHeader{
		Flags: p[0], GSOType: p[1],
		HeaderLen: binary.NativeEndian.Uint16(p[2:]), GSOSize: binary.NativeEndian.Uint16(p[4:]),
		ChecksumStart: binary.NativeEndian.Uint16(p[6:]), ChecksumOffset: binary.NativeEndian.Uint16(p[8:]),
	}
}

// Put writes h into the first VirtioLen octets of p.
func (h VirtioHeader) Put(p []byte) {
	p[0], p[1] = h.Flags, h.GSOType
	binary.NativeEndian.PutUint16(p[2:], h.HeaderLen)
	binary.NativeEndian.PutUint16(p[4:], h.GSOSize)
	binary.NativeEndian.PutUint16(p[6:], h.ChecksumStart)
	binary.NativeEndian.PutUint16(p[8:], h.ChecksumOffset)
}

// FinishChecksum does what a sender left to the device: the sum of everything
// from ChecksumStart on, in which the pseudo header is already. It returns false when the
// field is not in the packet.
func FinishChecksum(packet []byte, h VirtioHeader) bool {
	start, field := int(h.ChecksumStart), int(h.ChecksumStart)+int(h.ChecksumOffset)
	if field+2 > len(packet) {
		return false
	}
	sum := ^fold(sum16(packet[start:], 0))
	if sum == 0 {
		sum = 0xffff // RFC 768: 0 says that there is none; for TCP both are the same
	}
	binary.BigEndian.PutUint16(packet[field:], sum)
	return true
}

// sum16 adds the big-endian 16-bit words of p to initial, as far as one's
// complement is concerned; an odd octet at the end is as if a zero followed. It
// sums up little-endian words of 64 bits with the carry going round, and swaps
// the octets of the result (RFC 1071 section 2).
func sum16(p []byte, initial uint64) uint64 {
	var sum, carry uint64
	for ; len(p) >= 64; p = p[64:] {
		q := p[:64]
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[0:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[8:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[16:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[24:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[32:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[40:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[48:]), carry)
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(q[56:]), carry)
	}
	for ; len(p) >= 8; p = p[8:] {
		sum, carry = bits.Add64(sum, binary.LittleEndian.Uint64(p), carry)
	}
	sum, carry = bits.Add64(sum, tail64(p), carry)
	sum, carry = bits.Add64(sum, 0, carry)
	return initial + uint64(bits.ReverseBytes16(fold(sum+carry)))
}

// tail64 is the little-endian number in the fewer than 8 octets of p.
func tail64(p []byte) (n uint64) {
	shift := 0
	if len(p) >= 4 {
		n, shift = uint64(binary.LittleEndian.Uint32(p)), 32
		p = p[4:]
	}
	if len(p) >= 2 {
		n |= uint64(binary.LittleEndian.Uint16(p)) << shift
		p, shift = p[2:], shift+16
	}
	if len(p) >= 1 {
		n |= uint64(p[0]) << shift
	}
	return n
}

// fold makes the 16-bit one's complement sum of it.
func fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum&0xffff)
}

// transport is where the parts of a TCP or UDP packet are.
type transport struct {
	ipLen     int // octets of the IP header
	headerLen int // and of both headers
	udp, ipv6 bool
}

// Protocol numbers (IANA) and places in the headers (RFC 768, 791, 8200, 9293).
const (
	protocolTCP = 6
	protocolUDP = 17

	udpLen         = 8
	udpChecksum    = 6
	minTCP         = 20
	tcpSequence    = 4
	tcpAck         = 8
	tcpDataOffset  = 12
	tcpFlags       = 13
	tcpWindow      = 14
	tcpChecksum    = 16
	flagFIN        = 1
	flagPSH        = 8
	flagACK        = 16
	flagCWR        = 128
	ipv4ID         = 4
	ipv4Fragment   = 6
	ipv4TTL        = 8
	ipv4Protocol   = 9
	ipv4Checksum   = 10
	ipv6NextHeader = 6
)

// parseTransport finds the headers of a whole TCP or UDP packet, which is
// exactly as long as it says; no fragment, no IPv6 extension header.
func parseTransport(packet []byte) (t transport, ok bool) {
	if n := Length(packet); n == 0 || n != len(packet) {
		return t, false
	}
	var protocol byte
	if t.ipv6 = packet[0]>>4 == 6; t.ipv6 {
		t.ipLen, protocol = minIPv6, packet[ipv6NextHeader]
	} else {
		t.ipLen, protocol = int(packet[0]&15)*4, packet[ipv4Protocol]
		if t.ipLen < minIPv4 || binary.BigEndian.Uint16(packet[ipv4Fragment:])&0x3fff != 0 {
			return t, false
		}
	}
	switch t.udp = protocol == protocolUDP; {
	case t.udp && len(packet) >= t.ipLen+udpLen:
		if int(binary.BigEndian.Uint16(packet[t.ipLen+4:])) != len(packet)-t.ipLen {
			return t, false
		}
		t.headerLen = t.ipLen + udpLen
	case protocol == protocolTCP && len(packet) >= t.ipLen+minTCP:
		options := int(packet[t.ipLen+tcpDataOffset]>>4) * 4
		if options < minTCP {
			return t, false
		}
		t.headerLen = t.ipLen + options
	default:
		return t, false
	}
	return t, t.headerLen <= len(packet)
}

// checksumAt is where the transport checksum is.
func (t transport) checksumAt() int {
	if t.udp {
		return t.ipLen + udpChecksum
	}
	return t.ipLen + tcpChecksum
}

// pseudo is the sum of the pseudo header for length octets of transport header
// and payload (RFC 768, RFC 8200 section 8.1, RFC 9293 section 3.1).
func (t transport) pseudo(packet []byte, length int) uint64 {
	protocol := uint64(protocolTCP)
	if t.udp {
		protocol = protocolUDP
	}
	addresses := packet[12:20]
	if t.ipv6 {
		addresses = packet[8:40]
	}
	return sum16(addresses, protocol+uint64(length))
}

// setLength writes the lengths of a packet of n octets into its headers, and the
// IPv4 header's checksum.
func (t transport) setLength(packet []byte, n int) {
	if t.udp {
		binary.BigEndian.PutUint16(packet[t.ipLen+4:], uint16(n-t.ipLen))
	}
	if t.ipv6 {
		binary.BigEndian.PutUint16(packet[4:], uint16(n-minIPv6))
		return
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(n))
	binary.BigEndian.PutUint16(packet[ipv4Checksum:], 0)
	binary.BigEndian.PutUint16(packet[ipv4Checksum:], ^fold(sum16(packet[:t.ipLen], 0)))
}
