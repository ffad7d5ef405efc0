package loadgen

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Offsets in a test frame: Ethernet, IPv4 without options, UDP, payload.
const (
	offIPCheck = 24
	offUDP     = 34
	offPayload = 42
)

// The one flow of RFC 2544 C.2.6.4: an echo request from port 0xC020.
const (
	rfcSourcePort      = 0xC020
	rfcDestinationPort = 7
	rfcTTL             = 10
)

// flow is one of a stream's flows: its ports, and the sums of the octets that
// do not change from frame to frame.
type flow struct {
	source, destination [4]byte
	sourcePort          uint16
	destinationPort     uint16
	ipCheck             uint16
	udpSum              uint16 // partial one's complement sum, signature all zero but magic, trial and stream
}

// flowOctets is the length of a flow as the kernel's half keeps it.
const flowOctets = 16

// append adds the flow in the layout of struct flow in tester.h.
func (f flow) append(b []byte) []byte {
	b = append(append(b, f.source[:]...), f.destination[:]...)
	b = binary.BigEndian.AppendUint16(b, f.sourcePort)
	b = binary.BigEndian.AppendUint16(b, f.destinationPort)
	b = binary.BigEndian.AppendUint16(b, f.ipCheck)
	return binary.NativeEndian.AppendUint16(b, f.udpSum)
}

// flows are n flows of s: the RFC's one, or ports pseudorandom and uniform over
// the ranges of RFC 4814 section 4.5, the same for the same seed.
func (s Stream) flows(n int, seed uint64, number int, template []byte) []flow {
	random := rand.New(rand.NewPCG(seed, uint64(number)))
	out := make([]flow, n)
	for i := range out {
		f := flow{source: s.From.IP.As4(), destination: s.To.As4(), sourcePort: rfcSourcePort, destinationPort: rfcDestinationPort}
		if n > 1 {
			f.sourcePort = uint16(1024 + random.IntN(65536-1024))
			f.destinationPort = uint16(1 + random.IntN(49151))
		}
		f.ipCheck = binary.BigEndian.Uint16(template[offIPCheck:])
		f.udpSum = s.udpSum(f, template)
		out[i] = f
	}
	return out
}

// udpSum sums what RFC 768 sums: pseudo header, ports, lengths, payload; the
// signature's sequence, time and check are left out, the sender adds them.
func (s Stream) udpSum(f flow, template []byte) uint16 {
	const protocolUDP = 17
	payload := template[offPayload:]
	length := uint32(len(template) - offUDP)
	sum := uint32(protocolUDP) + 2*length + uint32(f.sourcePort) + uint32(f.destinationPort)
	sum += words(f.source[:]) + words(f.destination[:])
	sum += words(payload[:offCheck]) // magic, trial, stream
	sum += words(payload[SignatureLen:])
	return foldSum(sum)
}

// words is the plain sum of b's 16-bit words, an odd last octet padded with zero.
func words(b []byte) (sum uint32) {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func foldSum(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

// template is a whole frame of the stream as it lies on a virtual link, without
// FCS: the headers of RFC 2544 C.2.6.4, a signature with sequence number and
// time zero, and incrementing octets behind it.
func (s Stream) template(octets, number, trial int) ([]byte, error) {
	payload := make([]byte, octets-offPayload)
	for i := range payload {
		payload[i] = byte(i)
	}
	Signature{Trial: uint16(trial), Stream: uint8(number)}.Put(payload)
	ip := &layers.IPv4{Version: 4, TTL: rfcTTL, Protocol: layers.IPProtocolUDP, SrcIP: s.From.IP.AsSlice(), DstIP: s.To.AsSlice()}
	udp := &layers.UDP{SrcPort: rfcSourcePort, DstPort: rfcDestinationPort}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, fmt.Errorf("frame template: %w", err)
	}
	out := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: s.From.MAC, DstMAC: s.NextHop, EthernetType: layers.EthernetTypeIPv4},
		ip, udp, gopacket.Payload(payload))
	if err != nil {
		return nil, fmt.Errorf("frame template: %w", err)
	}
	return out.Bytes(), nil
}
