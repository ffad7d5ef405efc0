package loadgen

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestTemplate(t *testing.T) {
	for _, octets := range []int{60, 61, 124, 1514, 3072} {
		frame, err := forward().template(octets, 0, 9)
		if err != nil {
			t.Fatal(err)
		}
		if len(frame) != octets {
			t.Fatalf("%d octets, want %d", len(frame), octets)
		}
		p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		ip, _ := p.NetworkLayer().(*layers.IPv4)
		udp, _ := p.TransportLayer().(*layers.UDP)
		if ip == nil || udp == nil || p.ErrorLayer() != nil {
			t.Fatalf("%d octets: does not decode: %v", octets, p.ErrorLayer())
		}
		if ip.TTL != rfcTTL || ip.Flags != 0 || udp.SrcPort != rfcSourcePort || udp.DstPort != rfcDestinationPort {
			t.Errorf("%d octets: not the test frame of RFC 2544 C.2.6.4: %v %v", octets, ip, udp)
		}
		s, err := ParseSignature(udp.Payload)
		if err != nil || s.Trial != 9 {
			t.Errorf("%d octets: signature %+v, %v", octets, s, err)
		}
		for i, b := range udp.Payload[SignatureLen:] {
			if b != byte(i+SignatureLen) {
				t.Fatalf("%d octets: payload octet %d is %d", octets, i+SignatureLen, b)
			}
		}
	}
}

func TestFlowsComeFromTheSeed(t *testing.T) {
	s := forward()
	frame, err := s.template(60, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	one := s.flows(1, 42, 0, frame)
	if len(one) != 1 || one[0].sourcePort != rfcSourcePort {
		t.Errorf("one flow: %+v, want the RFC's", one)
	}
	a, b, c := s.flows(1000, 42, 0, frame), s.flows(1000, 42, 0, frame), s.flows(1000, 43, 0, frame)
	different := map[[2]uint16]bool{}
	same := 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("flow %d: %+v and %+v of one seed", i, a[i], b[i])
		}
		if a[i] == c[i] {
			same++
		}
		different[[2]uint16{a[i].sourcePort, a[i].destinationPort}] = true
		if a[i].sourcePort < 1024 || a[i].destinationPort < 1 || a[i].destinationPort > 49151 {
			t.Errorf("flow %d: ports %d, %d outside RFC 4814 section 4.5", i, a[i].sourcePort, a[i].destinationPort)
		}
	}
	if len(different) < 990 || same > 10 {
		t.Errorf("%d different flows of 1000, %d shared with another seed", len(different), same)
	}
}
