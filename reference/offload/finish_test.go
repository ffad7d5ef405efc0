package offload

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
)

// TestFinish leaves the checksum of a packet to the network card, alone and in other packets, and finishes it.
func TestFinish(t *testing.T) {
	t.Parallel()
	f := flowOf{port: 1}
	whole := f.next(t, []byte("payload"))
	tr, _ := parseTransport(whole)
	left := slices.Clone(whole)
	binary.BigEndian.PutUint16(left[tr.checksumAt():], checksum.Fold(tr.pseudo(left, len(left)-tr.ipLen)))
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	ether := &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}
	tagged := &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeDot1Q}
	twice := &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeQinQ}
	tag := &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}
	ip := func(protocol layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 9, Protocol: protocol, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	}
	ip6 := &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
	udp := func(port layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: 1, DstPort: port} }
	vxlan := &layers.VXLAN{ValidIDFlag: true, VNI: 7}
	gre := &layers.GRE{Protocol: layers.EthernetTypeIPv4, KeyPresent: true, SeqPresent: true}
	for name, around := range map[string][]gopacket.SerializableLayer{
		"alone":           {},
		"VXLAN":           {ip(layers.IPProtocolUDP), udp(4789), vxlan, ether},
		"VXLAN of Linux":  {ip(layers.IPProtocolUDP), udp(8472), vxlan, ether},
		"VXLAN over IPv6": {ip6, udp(4789), vxlan, ether},
		"Geneve":          {ip(layers.IPProtocolUDP), udp(6081), &layers.Geneve{Protocol: layers.EthernetTypeIPv4}},
		"Geneve bridging": {ip(layers.IPProtocolUDP), udp(6081), &layers.Geneve{Protocol: 0x6558}, ether},
		"VLAN in VXLAN":   {ip(layers.IPProtocolUDP), udp(4789), vxlan, tagged, tag},
		"VLAN in Geneve":  {ip(layers.IPProtocolUDP), udp(6081), &layers.Geneve{Protocol: 0x6558}, tagged, tag},
		"VLAN in GRETAP":  {ip(layers.IPProtocolGRE), &layers.GRE{Protocol: 0x6558}, tagged, tag},
		"VLAN in a VLAN":  {ip(layers.IPProtocolUDP), udp(4789), vxlan, twice, &layers.Dot1Q{VLANIdentifier: 8, Type: layers.EthernetTypeDot1Q}, tag},
		"GRE":             {ip(layers.IPProtocolGRE), gre},
		"IP in IP":        {ip(layers.IPProtocolIPv4)},
		"twice":           {ip(layers.IPProtocolIPv4), ip(layers.IPProtocolGRE), gre},
	} {
		t.Run(name, func(t *testing.T) {
			finishes(t, wrapped(t, around, left), wrapped(t, around, whole))
		})
		if outer, ok := parseTransport(wrapped(t, around, whole)); ok && len(around) > 0 {
			want := wrapped(t, around, whole)
			outer.setChecksum(want)
			for state, sum := range map[string]uint16{
				"complete": binary.BigEndian.Uint16(want[outer.checksumAt():]), // of the finished packet (Documentation/networking/checksum-offloads.rst, LCO)
				"partial":  checksum.Fold(outer.pseudo(want, len(want)-outer.ipLen)),
			} {
				t.Run(name+" with a checksum that is "+state, func(t *testing.T) {
					got := wrapped(t, around, left)
					binary.BigEndian.PutUint16(got[outer.checksumAt():], sum)
					finishes(t, got, want)
				})
			}
		}
	}
}

// finishes checks that Finish makes want of got.
func finishes(t *testing.T, got, want []byte) {
	t.Helper()
	if Finish(got); !bytes.Equal(got, want) {
		t.Error(cmp.Diff(got, want))
	}
	if Finish(got); !bytes.Equal(got, want) {
		t.Error("a finished packet was changed")
	}
	for n := range got { // no length may be believed
		Finish(slices.Clone(got[:n]))
	}
}

// BenchmarkFinish looks at packets with nothing to finish, as most are: a segment of TCP and a datagram.
func BenchmarkFinish(b *testing.B) {
	for name, f := range map[string]flowOf{"tcp": {port: 1}, "udp": {port: 1, udp: true}, "tcp over IPv6": {port: 1, ipv6: true}} {
		b.Run(name, func(b *testing.B) {
			packet := f.next(b, make([]byte, 64))
			for b.Loop() {
				Finish(packet)
			}
		})
	}
}

// wrapped puts layers around a packet. Those of UDP have no checksum (RFC 6935).
func wrapped(t *testing.T, around []gopacket.SerializableLayer, packet []byte) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, append(slices.Clone(around), gopacket.Payload(packet))...); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(b.Bytes())
}

// TestFinishSCTP compares with gopacket's CRC-32C.
func TestFinishSCTP(t *testing.T) {
	t.Parallel()
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolSCTP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		ip, &layers.SCTP{SrcPort: 1, DstPort: 2, VerificationTag: 3}, gopacket.Payload("chunks..")); err != nil {
		t.Fatal(err)
	}
	want := b.Bytes()
	got := slices.Clone(want)
	copy(got[20+8:], make([]byte, 4))
	if Finish(got); !bytes.Equal(got, want) {
		t.Error(cmp.Diff(got, want))
	}
	got[20+8]++
	wrong := slices.Clone(got)
	if Finish(got); !bytes.Equal(got, wrong) {
		t.Error("a damaged packet got a right checksum")
	}
}
