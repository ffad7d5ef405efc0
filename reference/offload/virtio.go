package offload

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// VirtioHeader is struct virtio_net_hdr (linux/virtio_net.h), which precedes each packet that is read
// from or written to a TUN device with IFF_VNET_HDR.
type VirtioHeader struct {
	Flags, GSOType uint8
	HeaderLen      uint16 // do not trust it: on the forwarding path it may be the length of the whole packet
	GSOSize        uint16 // payload bytes of each packet except the last
	ChecksumStart  uint16 // offset of the transport header
	ChecksumOffset uint16 // from ChecksumStart to the checksum field
}

// VirtioLen is the length of the header in bytes. Its fields have the machine's byte order.
const VirtioLen = 10

// MaxSuper exceeds the longest packet that a TUN device can return.
const MaxSuper = 1 << 16

// Values of the header's fields (linux/virtio_net.h).
const (
	NeedsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum covers only the pseudo header so far

	GSONone = 0
	GSOTCP4 = 1
	GSOTCP6 = 4
	GSOUDP  = 5 // VIRTIO_NET_HDR_GSO_UDP_L4, both IP versions
	GSOECN  = 0x80
)

// ParseVirtio reads a header from the first VirtioLen bytes of p, which must not be shorter.
func ParseVirtio(p []byte) VirtioHeader {
	_ = p[VirtioLen-1]
	return VirtioHeader{
		Flags: p[0], GSOType: p[1],
		HeaderLen: binary.NativeEndian.Uint16(p[2:]), GSOSize: binary.NativeEndian.Uint16(p[4:]),
		ChecksumStart: binary.NativeEndian.Uint16(p[6:]), ChecksumOffset: binary.NativeEndian.Uint16(p[8:]),
	}
}

// Put writes h into the first VirtioLen bytes of p.
func (h VirtioHeader) Put(p []byte) {
	p[0], p[1] = h.Flags, h.GSOType
	binary.NativeEndian.PutUint16(p[2:], h.HeaderLen)
	binary.NativeEndian.PutUint16(p[4:], h.GSOSize)
	binary.NativeEndian.PutUint16(p[6:], h.ChecksumStart)
	binary.NativeEndian.PutUint16(p[8:], h.ChecksumOffset)
}

// FinishChecksum computes the checksum that the sender left to the device: the sum from ChecksumStart to
// the end, including the pseudo header's sum, which is already in the field. It returns false if the
// field is outside of the packet.
func FinishChecksum(packet []byte, h VirtioHeader) bool {
	start, field := int(h.ChecksumStart), int(h.ChecksumStart)+int(h.ChecksumOffset)
	if field+2 > len(packet) {
		return false
	}
	sum := ^checksum.Fold(checksum.Sum(packet[start:], 0))
	if sum == 0 {
		sum = 0xffff // for UDP 0 means no checksum (RFC 768); for TCP 0 and 0xffff are equal
	}
	binary.BigEndian.PutUint16(packet[field:], sum)
	return true
}

// transport holds the offsets of the parts of a TCP or UDP packet.
type transport struct {
	ipLen     int // bytes of the IP header, with IPv6 extension headers
	headerLen int // bytes of the IP and transport headers
	to        int // IPv6: offset of the final destination
	udp, ipv6 bool
}

// Protocol numbers (IANA) and header offsets (RFC 768, 791, 8200, 9293).
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
	ipv6To         = 24
)

// IPv6 extension headers that may precede the transport header of every packet of a flow (RFC 8200 section 4),
// and types of the routing header (IANA).
const (
	hopByHop           = 0
	routing            = 43
	destinationOptions = 60
	routingMobile      = 2 // RFC 6275: one address, the final destination
	routingSegments    = 4 // RFC 8754: the first address of the list is the final destination
)

// parseTransport finds the headers of a TCP or UDP packet. It refuses fragments, IPv6 extension headers other
// than options and routing, and packets whose length fields do not match their length.
func parseTransport(packet []byte) (t transport, ok bool) {
	if n := inner.Length(packet); n == 0 || n != len(packet) {
		return t, false
	}
	var protocol byte
	if t.ipv6 = packet[0]>>4 == 6; t.ipv6 {
		if protocol, ok = t.extensions(packet); !ok {
			return t, false
		}
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

// extensions finds the end of an IPv6 packet's extension headers, its final destination, and the protocol that
// follows.
func (t *transport) extensions(packet []byte) (protocol byte, ok bool) {
	t.ipLen, t.to, protocol = inner.MinIPv6, ipv6To, packet[ipv6NextHeader]
	for protocol == hopByHop || protocol == routing || protocol == destinationOptions {
		rest := packet[t.ipLen:]
		if len(rest) < 8 {
			return protocol, false
		}
		n := 8 * (int(rest[1]) + 1)
		if n > len(rest) {
			return protocol, false
		}
		if kind, left := rest[2], rest[3]; protocol == routing && left > 0 {
			if kind != routingMobile && kind != routingSegments || n < 8+16 {
				return protocol, false
			}
			t.to = t.ipLen + 8
		}
		protocol = rest[0]
		t.ipLen += n
	}
	return protocol, true
}

// extended reports whether the packet has IPv6 extension headers.
func (t transport) extended() bool { return t.ipv6 && t.ipLen > inner.MinIPv6 }

// checksumAt returns the offset of the transport checksum.
func (t transport) checksumAt() int {
	if t.udp {
		return t.ipLen + udpChecksum
	}
	return t.ipLen + tcpChecksum
}

// pseudo returns the sum of the pseudo header for a transport header and payload of length bytes
// (RFC 768, RFC 8200 section 8.1, RFC 9293 section 3.1).
func (t transport) pseudo(packet []byte, length int) uint64 {
	protocol := uint64(protocolTCP)
	if t.udp {
		protocol = protocolUDP
	}
	initial := protocol + uint64(length)
	switch {
	case !t.ipv6:
		return checksum.Sum(packet[12:20], initial)
	case t.to == ipv6To:
		return checksum.Sum(packet[8:40], initial)
	}
	return checksum.Sum(packet[t.to:t.to+16], checksum.Sum(packet[8:24], initial))
}

// setLength writes the lengths for a packet of n bytes into its headers, and the IPv4 header checksum.
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
