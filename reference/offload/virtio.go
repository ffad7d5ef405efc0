package offload

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reference/inner"
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
	sum := ^checksum.Fold(checksum.Sum(packet[start:], 0))
	if sum == 0 {
		sum = 0xffff // RFC 768: 0 says that there is none; for TCP both are the same
	}
	binary.BigEndian.PutUint16(packet[field:], sum)
	return true
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
	ipv4Protocol   = 9
	ipv4Checksum   = 10
	ipv6NextHeader = 6
)

// parseTransport finds the headers of a whole TCP or UDP packet, which is
// exactly as long as it says; no fragment, no IPv6 extension header.
func parseTransport(packet []byte) (t transport, ok bool) {
	if n := inner.Length(packet); n == 0 || n != len(packet) {
		return t, false
	}
	var protocol byte
	if t.ipv6 = packet[0]>>4 == 6; t.ipv6 {
		t.ipLen, protocol = inner.MinIPv6, packet[ipv6NextHeader]
	} else {
		t.ipLen, protocol = int(packet[0]&15)*4, packet[ipv4Protocol]
		if t.ipLen < inner.MinIPv4 || binary.BigEndian.Uint16(packet[ipv4Fragment:])&0x3fff != 0 {
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
	return checksum.Sum(addresses, protocol+uint64(length))
}

// setLength writes the lengths of a packet of n octets into its headers, and the
// IPv4 header's checksum.
func (t transport) setLength(packet []byte, n int) {
	if t.udp {
		binary.BigEndian.PutUint16(packet[t.ipLen+4:], uint16(n-t.ipLen))
	}
	if t.ipv6 {
		binary.BigEndian.PutUint16(packet[4:], uint16(n-inner.MinIPv6))
		return
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(n))
	binary.BigEndian.PutUint16(packet[ipv4Checksum:], 0)
	binary.BigEndian.PutUint16(packet[ipv4Checksum:], ^checksum.Fold(checksum.Sum(packet[:t.ipLen], 0)))
}
