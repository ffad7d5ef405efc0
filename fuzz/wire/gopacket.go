package wire

import (
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// Harnesses for the gopacket layers that decode tunnels. gopacket is third-party code: report
// findings to its maintainers.

// GopacketVXLAN attacks gopacket's VXLAN decoder (RFC 7348) and the layers inside.
func GopacketVXLAN(data []byte) int { return layer(layers.LayerTypeVXLAN, data) }

// GopacketGeneve attacks gopacket's Geneve decoder (RFC 8926) and the layers inside.
func GopacketGeneve(data []byte) int { return layer(layers.LayerTypeGeneve, data) }

// GopacketGRE attacks gopacket's GRE decoder (RFC 2784, 2890) and the layers inside.
func GopacketGRE(data []byte) int { return layer(layers.LayerTypeGRE, data) }

// GopacketGTPU attacks gopacket's GTPv1-U decoder (3GPP TS 29.281) and the layers inside.
func GopacketGTPU(data []byte) int { return layer(layers.LayerTypeGTPv1U, data) }

// GopacketUDP attacks gopacket's UDP decoder (RFC 768) and the layers inside.
func GopacketUDP(data []byte) int { return layer(layers.LayerTypeUDP, data) }

// GopacketIPv4 attacks gopacket's IPv4 decoder (RFC 791) and the layers inside.
func GopacketIPv4(data []byte) int { return layer(layers.LayerTypeIPv4, data) }

// GopacketIPv6 attacks gopacket's IPv6 decoder (RFC 8200) and the layers inside.
func GopacketIPv6(data []byte) int { return layer(layers.LayerTypeIPv6, data) }

// layerBytes is how many bytes gopacket may allocate for each byte of input: it makes an object for
// each layer.
const layerBytes = 512

// layer decodes data and all layers inside. SkipDecodeRecovery is set because gopacket would
// otherwise recover from its own panics.
func layer(first gopacket.LayerType, data []byte) int {
	if len(data) > 1<<16 {
		return 0
	}
	packet := decodeLayers(first, oracle.Exact(data), data)
	if oracle.Sampled(data, Costly) {
		oracle.Allocates(oracle.PerByte(layerBytes, data), func() { decodeLayers(first, data, data) })
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
