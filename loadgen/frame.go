package loadgen

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// layout is where things lie in a test frame of one IP version, in octets from
// its start: Ethernet, IP without options, UDP, payload.
type layout struct {
	head, headLen int // what differs from flow to flow: IPv4's header checksum, both addresses, both ports
	addresses     int // where, in that, the addresses begin
	ip, udp       int
	payload       int // the signature, and what follows it
}

var (
	layout4 = layout{head: 24, headLen: 14, addresses: 2, ip: 14, udp: 34, payload: 42}
	layout6 = layout{head: 22, headLen: 36, ip: 14, udp: 54, payload: 62}
)

// layout is that of the stream's frames, by its addresses.
func (s Stream) layout() layout {
	if s.From.IP.Is6() {
		return layout6
	}
	return layout4
}

// The one flow of RFC 2544 C.2.6.4: an echo request from port 0xC020.
const (
	rfcSourcePort      = 0xC020
	rfcDestinationPort = 7
	rfcTTL             = 10
)

// frames is what a trial needs to send the plan's stream i: a whole frame, and
// the flows that take turns in it.
func (p Plan) frames(i, trial int) (template []byte, flows []flow, err error) {
	s, number := p.Streams[i], p.first()+i
	if template, err = s.template(p.Size.OnVeth(), number, trial); err != nil {
		return nil, nil, err
	}
	return template, s.flows(p, number, template), nil
}

// template is a whole frame of the stream as it lies on a virtual link, without
// FCS: the headers of RFC 2544 C.2.6.4, a signature with sequence number and
// time zero, and incrementing octets behind it.
func (s Stream) template(octets, number, trial int) ([]byte, error) {
	payload := make([]byte, octets-s.layout().payload)
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
