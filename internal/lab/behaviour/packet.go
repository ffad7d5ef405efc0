package behaviour

import (
	"encoding/binary"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Probe is a packet that a test sends: UDP from port0 to port1, unless it goes back.
type Probe struct {
	Length int   // of the IP packet in octets; at least leastProbe
	TTL    uint8 // or hop limit; 0: 64
	Class  uint8 // DS field and ECN, or traffic class
	DF     bool  // don't fragment (IPv4)
	IPv6   bool
	back   bool // from port1 to port0
}

// way is where a probe goes.
type way struct {
	from, to   netns.MAC
	src4, dst4 netip.Addr
	src6, dst6 netip.Addr
}

func (p Probe) way() way {
	if p.back {
		return way{netns.Port1MAC, netns.RightLANMAC, netns.Port1Addr, netns.Port0Addr, netns.Port1Addr6, netns.Port0Addr6}
	}
	return way{netns.Port0MAC, netns.LeftLANMAC, netns.Port0Addr, netns.Port1Addr, netns.Port0Addr6, netns.Port1Addr6}
}

const (
	leastProbe = 40 + 8 + numberLength // headers of IPv6 and UDP, and the number
	defaultTTL = 64
	probePort  = 9 // discard (RFC 863)

	probeMagic   = 0x7462_6568 // begins the payload of a probe
	numberLength = 12          // magic and number
)

// frame returns the Ethernet frame of a probe. The number makes it known among others.
func (p Probe) frame(number uint64) []byte {
	ttl := p.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	w := p.way()
	ethernet := &layers.Ethernet{SrcMAC: w.from[:], DstMAC: w.to[:], EthernetType: layers.EthernetTypeIPv4}
	udp := &layers.UDP{SrcPort: probePort, DstPort: probePort}
	var ip gopacket.SerializableLayer
	header := 20
	if p.IPv6 {
		ethernet.EthernetType, header = layers.EthernetTypeIPv6, 40
		v6 := &layers.IPv6{Version: 6, TrafficClass: p.Class, HopLimit: ttl, NextHeader: layers.IPProtocolUDP,
			SrcIP: w.src6.AsSlice(), DstIP: w.dst6.AsSlice()}
		ip, _ = v6, udp.SetNetworkLayerForChecksum(v6) // IP is a network layer
	} else {
		v4 := &layers.IPv4{Version: 4, TOS: p.Class, TTL: ttl, Protocol: layers.IPProtocolUDP, Id: uint16(number),
			SrcIP: w.src4.AsSlice(), DstIP: w.dst4.AsSlice()}
		if p.DF {
			v4.Flags = layers.IPv4DontFragment
		}
		ip, _ = v4, udp.SetNetworkLayerForChecksum(v4)
	}
	payload := make([]byte, max(p.Length-header-8, numberLength))
	binary.BigEndian.PutUint32(payload, probeMagic)
	binary.BigEndian.PutUint64(payload[4:], number)
	for i := numberLength; i < len(payload); i++ { // a tunnel that compresses finds nothing
		payload[i] = byte(splitmix.Mix(number<<16 | uint64(i)))
	}
	buffer := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ethernet, ip, udp, gopacket.Payload(payload))
	if err != nil {
		panic("behaviour: a probe cannot be serialised: " + err.Error())
	}
	return buffer.Bytes()
}

// Packet is what the tests look at in a frame: its outermost IP header, and what is behind it.
type Packet struct {
	Version     int // of IP; 0: another protocol, all else is zero
	Length      int // of the IP packet
	TTL         uint8
	Class       uint8
	ID          uint16 // IPv4
	DF, MF      bool   // IPv4
	Offset      int    // of a fragment, in octets
	Protocol    uint8
	Source      netip.Addr
	Destination netip.Addr
	Number      uint64 // of a probe; 0: it is none, or a fragment
	Error       *ICMPError
}

// ICMPError is an ICMP or ICMPv6 error.
type ICMPError struct {
	Kind ErrorKind
	MTU  int // of the next hop; 0: not said
}

// ErrorKind tells the errors that tests ask for from all others.
type ErrorKind string

// The kinds of ICMP errors.
const (
	TooBig       ErrorKind = "too-big"       // RFC 792 type 3 code 4, RFC 4443 type 2
	TimeExceeded ErrorKind = "time-exceeded" // RFC 792 type 11, RFC 4443 type 3
	OtherError   ErrorKind = "other"
)

// Fragment reports whether the packet is a fragment of a larger one.
func (p Packet) Fragment() bool { return p.MF || p.Offset != 0 }

// ECN returns the ECN field (RFC 3168).
func (p Packet) ECN() uint8 { return p.Class & 3 }

// DSCP returns the code point of the DS field (RFC 2474).
func (p Packet) DSCP() uint8 { return p.Class >> 2 }

// parse reads a frame. What is no IP packet gives a Packet of version 0.
func parse(frame []byte) (p Packet) {
	decoded := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	switch ip := decoded.NetworkLayer().(type) {
	case *layers.IPv4:
		p = Packet{Version: 4, Length: int(ip.Length), TTL: ip.TTL, Class: ip.TOS, ID: ip.Id, Protocol: uint8(ip.Protocol), Offset: 8 * int(ip.FragOffset),
			DF: ip.Flags&layers.IPv4DontFragment != 0, MF: ip.Flags&layers.IPv4MoreFragments != 0}
		p.Source, _ = netip.AddrFromSlice(ip.SrcIP)
		p.Destination, _ = netip.AddrFromSlice(ip.DstIP)
	case *layers.IPv6:
		p = Packet{Version: 6, Length: 40 + int(ip.Length), TTL: ip.HopLimit, Class: ip.TrafficClass, Protocol: uint8(ip.NextHeader)}
		p.Source, _ = netip.AddrFromSlice(ip.SrcIP)
		p.Destination, _ = netip.AddrFromSlice(ip.DstIP)
		if fragment, ok := decoded.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment); ok {
			p.MF, p.Offset = fragment.MoreFragments, 8*int(fragment.FragmentOffset)
		}
	default:
		return p
	}
	// Not one inside another IP packet: that is carried.
	if udp, ok := decoded.Layer(layers.LayerTypeUDP).(*layers.UDP); ok && p.isUDP() {
		p.Number = numberOf(udp)
	}
	p.Error = icmpError(decoded)
	return p
}

// isUDP reports whether the payload is UDP; behind an extension header of IPv6, that of fragments.
func (p Packet) isUDP() bool {
	const udp, fragment = uint8(layers.IPProtocolUDP), uint8(layers.IPProtocolIPv6Fragment)
	return p.Protocol == udp || p.Protocol == fragment
}

// numberOf returns the number of a probe, or 0.
func numberOf(udp *layers.UDP) uint64 {
	if udp.DstPort != probePort || len(udp.Payload) < numberLength || binary.BigEndian.Uint32(udp.Payload) != probeMagic {
		return 0
	}
	return binary.BigEndian.Uint64(udp.Payload[4:])
}

// icmpError returns the ICMP error in a packet, or nil.
func icmpError(decoded gopacket.Packet) *ICMPError {
	if icmp, ok := decoded.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok {
		switch icmp.TypeCode.Type() {
		case layers.ICMPv4TypeDestinationUnreachable:
			if icmp.TypeCode.Code() == layers.ICMPv4CodeFragmentationNeeded {
				return &ICMPError{TooBig, int(icmp.Seq)} // the low-order 16 bits of the second word (RFC 1191 section 4)
			}
			return &ICMPError{Kind: OtherError}
		case layers.ICMPv4TypeTimeExceeded:
			return &ICMPError{Kind: TimeExceeded}
		}
		return nil
	}
	icmp, ok := decoded.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
	const information = 128 // from this type on, messages are no errors (RFC 4443 section 2.1)
	if !ok || icmp.TypeCode.Type() >= information {
		return nil
	}
	switch icmp.TypeCode.Type() {
	case layers.ICMPv6TypePacketTooBig:
		if len(icmp.Payload) < 4 {
			return &ICMPError{Kind: TooBig}
		}
		return &ICMPError{TooBig, int(binary.BigEndian.Uint32(icmp.Payload))}
	case layers.ICMPv6TypeTimeExceeded:
		return &ICMPError{Kind: TimeExceeded}
	}
	return &ICMPError{Kind: OtherError}
}
