package probe

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/net/bpf"
)

// frame returns an Ethernet frame with the layers and a payload.
func frame(t *testing.T, payload []byte, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, append(all, gopacket.Payload(payload))...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	zeroMAC = make([]byte, 6)
	eth4    = &layers.Ethernet{SrcMAC: zeroMAC, DstMAC: zeroMAC, EthernetType: layers.EthernetTypeIPv4}
	eth6    = &layers.Ethernet{SrcMAC: zeroMAC, DstMAC: zeroMAC, EthernetType: layers.EthernetTypeIPv6}
)

func ip4(p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: p, SrcIP: make([]byte, 4), DstIP: make([]byte, 4)}
}

func ip6(p layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: make([]byte, 16), DstIP: make([]byte, 16)}
}

func udp(to layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: 9, DstPort: to} }

// A datagram of a stream passes the filter and has its number; nothing else does.
func TestDatagramsAreTold(t *testing.T) {
	t.Parallel()
	program, err := portFilter()
	if err != nil {
		t.Fatal(err)
	}
	instructions, all := bpf.Disassemble(program)
	if !all {
		t.Fatal("not disassembled")
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, payloadLen)
	putDatagram(payload, 7, 1234)
	for name, c := range map[string]struct {
		frame          []byte
		passes, number bool
	}{
		"IPv4":          {frame(t, payload, eth4, ip4(UDP), udp(Port)), true, true},
		"IPv6":          {frame(t, payload, eth6, ip6(UDP), udp(Port)), true, true},
		"another port":  {frame(t, make([]byte, 64), eth4, ip4(UDP), udp(Port+1)), false, false},
		"another, IPv6": {frame(t, make([]byte, 64), eth6, ip6(UDP), udp(Port+1)), false, false},
		"TCP":           {frame(t, make([]byte, 64), eth4, ip4(TCP), udp(Port)), false, false},
		"TCP, IPv6":     {frame(t, make([]byte, 64), eth6, ip6(TCP), udp(Port)), false, false},
		"of another":    {frame(t, make([]byte, 64), eth4, ip4(UDP), udp(Port)), true, false},
		"too short":     {frame(t, payload, eth4, ip4(UDP), udp(Port))[:50], true, false},
	} {
		kept, err := vm.Run(c.frame)
		if err != nil || kept > 0 != c.passes {
			t.Errorf("%s: %d octets kept, %v", name, kept, err)
		}
		if number, ok := numberOf(c.frame, 7); ok != c.number || ok && number != 1234 {
			t.Errorf("%s: number %d, %v", name, number, ok)
		}
	}
}

// A watch tells what carries a tunnel, and a handshake of WireGuard by its type and length.
func TestSeen(t *testing.T) {
	t.Parallel()
	initiation, transport := make([]byte, 148), make([]byte, 148)
	initiation[0], transport[0] = 1, 4
	s := Seen{Packets: map[byte]int{}}
	for at, f := range [][]byte{
		frame(t, initiation, eth4, ip4(UDP), udp(51820))[:128],
		frame(t, initiation, eth6, ip6(UDP), udp(51820))[:128],
		frame(t, transport, eth4, ip4(UDP), udp(51820)),
		frame(t, append(initiation, 0), eth4, ip4(UDP), udp(51820)),
		frame(t, initiation, eth4, ip4(TCP), udp(51820)),
		frame(t, initiation, &layers.Ethernet{SrcMAC: zeroMAC, DstMAC: zeroMAC, EthernetType: layers.EthernetTypeARP}),
		frame(t, nil, eth4, ip4(UDP)),
		frame(t, []byte{0x45}, eth4)[:20],
	} {
		s.note(f, int64(at))
	}
	if diff := cmp.Diff(Seen{Packets: map[byte]int{UDP: 5, TCP: 1}, Initiation: []int64{0, 1}}, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
