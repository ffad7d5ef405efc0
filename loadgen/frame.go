package loadgen

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Layout is where things lie in a test frame of one IP version, in bytes from
// its start: Ethernet, IP without options, UDP, payload.
type Layout struct {
	Head, HeadLen int // what differs from flow to flow: IPv4's header checksum, both addresses, both ports
	addresses     int // where, in that, the addresses begin
	ip, udp       int
	Payload       int // the signature, and what follows it
}

var (
	layout4 = Layout{Head: 24, HeadLen: 14, addresses: 2, ip: 14, udp: 34, Payload: 42}
	layout6 = Layout{Head: 22, HeadLen: 36, ip: 14, udp: 54, Payload: 62}
)

// Layout is the layout of the stream's frames, by its addresses.
func (s Stream) Layout() Layout {
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

// StreamFrames is what a trial needs to send the plan's stream i: a whole frame,
// and the flows that take turns in it.
func (p Plan) StreamFrames(i, trial int) (template []byte, flows []Flow, err error) {
	s, number := p.Streams[i], p.First()+i
	if template, err = s.Template(p.Size.OnVeth(), number, trial); err != nil {
		return nil, nil, err
	}
	return template, s.flows(p, number, template), nil
}

// Template is a whole frame of the stream as it lies on a virtual link, without
// FCS: the headers of RFC 2544 C.2.6.4, a signature with sequence number and
// time zero, and incrementing bytes behind it.
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
