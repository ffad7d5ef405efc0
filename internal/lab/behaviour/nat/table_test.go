package nat

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var addresses = [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}

// frame returns a frame of TCP or UDP between the ends, with a checksum that is right.
func frame(t *testing.T, transport int, from, to uint16) []byte {
	t.Helper()
	mac := make([]byte, 6)
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: addresses[0].AsSlice(), DstIP: addresses[1].AsSlice()}
	var segment interface {
		gopacket.SerializableLayer
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	} = &layers.UDP{SrcPort: layers.UDPPort(from), DstPort: layers.UDPPort(to)}
	if transport == tcp {
		ip.Protocol = layers.IPProtocolTCP
		segment = &layers.TCP{SrcPort: layers.TCPPort(from), DstPort: layers.TCPPort(to), Window: 1}
	}
	if err := segment.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}, ip, segment, gopacket.Payload("the payload of a packet"))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is translated is what a sender with the other port would have sent, checksum included; what goes to the old port
// goes nowhere, and what the left end never used stays.
func TestForget(t *testing.T) {
	t.Parallel()
	for _, transport := range []int{tcp, udp} {
		var n table
		for port := range 1 << 16 { // among so many some have a checksum that would become 0
			before := frame(t, transport, uint16(port), 4500)
			got := bytes.Clone(before)
			if n.fromLeft(got); !bytes.Equal(got, before) {
				t.Fatalf("port %d: changed before the table was forgotten", port)
			}
			if port%17 != 0 {
				continue
			}
			n.forgotten.Store(true)
			if n.fromLeft(got); !bytes.Equal(got, frame(t, transport, uint16(port)+shift, 4500)) {
				t.Fatalf("port %d of transport %d: not as another sender would have it", port, transport)
			}
			n.forgotten.Store(false)
		}
	}
}

func TestBack(t *testing.T) {
	t.Parallel()
	for _, transport := range []int{tcp, udp} {
		var n table
		n.fromLeft(frame(t, transport, 4500, 4500))
		if !n.fromRight(frame(t, transport, 4500, 4500)) {
			t.Error("lost before the table was forgotten")
		}
		n.forgotten.Store(true)
		if n.fromRight(frame(t, transport, 4500, 4500)) {
			t.Error("the old port still leads to the left end")
		}
		shifted := uint16(4500)
		shifted += shift
		got := frame(t, transport, 4500, shifted)
		if !n.fromRight(got) || !bytes.Equal(got, frame(t, transport, 4500, 4500)) {
			t.Error("the new port does not lead to the left end")
		}
		other := frame(t, transport, 4500, 4789)
		if !n.fromRight(other) || !bytes.Equal(other, frame(t, transport, 4500, 4789)) {
			t.Error("a port that the left end never used was translated")
		}
	}
}

// Frames without ports pass as they are, and a checksum of 0 stays one.
func TestUntouched(t *testing.T) {
	t.Parallel()
	none := frame(t, udp, 1, 2)
	none[40], none[41] = 0, 0
	fragment := frame(t, udp, 1, 2)
	fragment[21] = 9
	gre := frame(t, udp, 1, 2)
	gre[23] = 47
	var n table
	n.forgotten.Store(true)
	for name, f := range map[string][]byte{"a later fragment": fragment, "GRE": gre, "cut off": frame(t, udp, 1, 2)[:38], "empty": {}} {
		before := bytes.Clone(f)
		if n.fromLeft(f); !n.fromRight(f) || !bytes.Equal(f, before) {
			t.Errorf("%s: changed or lost", name)
		}
	}
	if n.fromLeft(none); none[40] != 0 || none[41] != 0 || none[35] != 2 {
		t.Errorf("% x", none[34:42])
	}
}
