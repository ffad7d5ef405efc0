package wire

import (
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// The layers of gopacket with which tunnels are read. They are not ours: what
// is found here goes to their maintainers.

// GopacketVXLAN attacks gopacket's VXLAN (RFC 7348) and what it holds.
func GopacketVXLAN(data []byte) int { return layer(layers.LayerTypeVXLAN, data) }

// GopacketGeneve attacks gopacket's Geneve (RFC 8926) and what it holds.
func GopacketGeneve(data []byte) int { return layer(layers.LayerTypeGeneve, data) }

// GopacketGRE attacks gopacket's GRE (RFC 2784, 2890) and what it holds.
func GopacketGRE(data []byte) int { return layer(layers.LayerTypeGRE, data) }

// GopacketGTPU attacks gopacket's GTPv1-U (3GPP TS 29.281) and what it holds.
func GopacketGTPU(data []byte) int { return layer(layers.LayerTypeGTPv1U, data) }

// GopacketUDP attacks gopacket's UDP (RFC 768) and what it holds.
func GopacketUDP(data []byte) int { return layer(layers.LayerTypeUDP, data) }

// GopacketIPv4 attacks gopacket's IPv4 (RFC 791) and what it holds.
func GopacketIPv4(data []byte) int { return layer(layers.LayerTypeIPv4, data) }

// GopacketIPv6 attacks gopacket's IPv6 (RFC 8200) and what it holds.
func GopacketIPv6(data []byte) int { return layer(layers.LayerTypeIPv6, data) }

// What a packet of a few KiB may ask for: gopacket makes an object per layer.
const layerOctets = 512

// layer decodes data and everything in it. Without SkipDecodeRecovery gopacket
// would hide its panics.
func layer(first gopacket.LayerType, data []byte) int {
	if len(data) > 1<<16 {
		return 0
	}
	packet := decodeLayers(first, oracle.Exact(data), data)
	if oracle.Sampled(data, costly) {
		oracle.Allocates(oracle.PerOctet(layerOctets, data), func() { decodeLayers(first, data, data) })
		oracle.Takes(100*oracle.Budget(len(data)), func() { decodeLayers(first, data, data) })
	}
	if packet.ErrorLayer() != nil {
		return 0
	}
	return 1
}

func decodeLayers(first gopacket.LayerType, input, original []byte) gopacket.Packet {
	options := gopacket.DecodeOptions{NoCopy: true, SkipDecodeRecovery: true}
	packet := gopacket.NewPacket(input, first, options)
	oracle.Untouched(input, original)
	return packet
}
