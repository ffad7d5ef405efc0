package loadgen

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Layout holds the offsets of the fields in a test frame of one IP version, in bytes from the start
// of the frame. A test frame consists of Ethernet, IP without options, UDP and payload.
type Layout struct {
	Head, HeadLen int // offset and length of the bytes that differ between flows: IPv4 checksum, addresses, ports
	addresses     int // offset of the addresses, from Head
	ip, udp       int // offsets of the headers
	Payload       int // offset of the UDP payload, which begins with the signature
}

var (
	layout4 = Layout{Head: 24, HeadLen: 14, addresses: 2, ip: 14, udp: 34, Payload: 42}
	layout6 = Layout{Head: 22, HeadLen: 36, ip: 14, udp: 54, Payload: 62}
)

// Layout returns the layout of the stream's frames for the IP version of the stream.
func (s Stream) Layout() Layout {
	if s.From.IP.Is6() {
		return layout6
	}
	return layout4
}

// Header fields of the UDP echo request in RFC 2544 appendix C.2.6.4.
const (
	rfcSourcePort      = 0xC020
	rfcDestinationPort = 7
	rfcTTL             = 10
)

// StreamFrames returns the template and the flows of the plan's stream i. The sender copies the
// header bytes of each flow in turn into the template.
func (p Plan) StreamFrames(i, trial int) (template []byte, flows []Flow, err error) {
	s, number := p.Streams[i], p.First()+i
	if template, err = s.Template(p.Size.OnVeth(), number, trial); err != nil {
		return nil, nil, err
	}
	return template, s.flows(p, number, template), nil
}

// Template returns a frame of the stream without FCS: the headers of RFC 2544 appendix C.2.6.4, a
// signature with sequence number 0 and send time 0, and then bytes with increasing values. length
// is the length of the frame in bytes, without FCS.
func (s Stream) Template(length, number, trial int) ([]byte, error) {
	payload := make([]byte, length-s.Layout().Payload)
	for i := range payload {
		payload[i] = byte(i)
	}
	signature.Signature{Trial: uint16(trial), Stream: uint8(number)}.Put(payload)
	ethernet := &layers.Ethernet{SrcMAC: s.From.MAC, DstMAC: s.NextHop, EthernetType: layers.EthernetTypeIPv4}
	udp := &layers.UDP{SrcPort: rfcSourcePort, DstPort: rfcDestinationPort}
	var ip interface {
		gopacket.SerializableLayer
		gopacket.NetworkLayer
	} = &layers.IPv4{Version: 4, TTL: rfcTTL, Protocol: layers.IPProtocolUDP, SrcIP: s.From.IP.AsSlice(), DstIP: s.To.AsSlice()}
	if s.From.IP.Is6() {
		ethernet.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: rfcTTL, NextHeader: layers.IPProtocolUDP, SrcIP: s.From.IP.AsSlice(), DstIP: s.To.AsSlice()}
	}
	err := udp.SetNetworkLayerForChecksum(ip)
	out := gopacket.NewSerializeBuffer()
	if err == nil {
		err = gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
			ethernet, ip, udp, gopacket.Payload(payload))
	}
	if err != nil {
		return nil, fmt.Errorf("frame template: %w", err)
	}
	return out.Bytes(), nil
}
