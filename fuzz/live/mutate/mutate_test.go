package mutate

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

func testPath() Path {
	return Path{
		FromMAC: [6]byte{2, 1}, ToMAC: [6]byte{2, 2},
		From: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:6666"), netip.MustParseAddrPort("192.0.2.1:0")},
		To:   netip.MustParseAddr("192.0.2.2"), Ports: []uint16{4754, 4755}, MTU: 2000,
		InnerFrom: netip.MustParseAddr("198.18.0.2"), InnerTo: netip.MustParseAddr("198.19.0.2"),
	}
}

func testPath6() Path {
	p := testPath()
	p.From = []netip.AddrPort{netip.MustParseAddrPort("[2001:2:0:ffff::9]:6666")}
	p.To = netip.MustParseAddr("2001:2:0:ffff::2")
	return p
}

var kinds = []Kind{Any, Reference, VXLAN, WireGuard, WireGuardMAC, WireGuardReplay, WireGuardForged, WireGuardTag, WireGuardIndex, Junk}

// A mutant depends only on the seed and its number.
func TestReplay(t *testing.T) {
	for _, kind := range kinds {
		whole, part, other := New(7, kind, testPath()), New(7, kind, testPath()), New(8, kind, testPath())
		part.Seek(900)
		same := 0
		for i := range 1000 {
			frame := whole.Next(nil)
			if bytes.Equal(frame, other.Next(nil)) {
				same++
			}
			if i < 900 {
				continue
			}
			if again := part.Next(nil); !bytes.Equal(frame, again) || whole.Describe() != part.Describe() || whole.Index() != part.Index() {
				t.Fatalf("%v: mutant %d is % x (%s), again % x (%s)", kind, i, frame, whole.Describe(), again, part.Describe())
			}
		}
		if same > 10 {
			t.Errorf("%v: %d of 1000 mutants are the same with another seed", kind, same)
		}
	}
}

// A stream without Forge never contains a valid frame for the reference tunnel; a stream with Forge often
// does.
func TestForgery(t *testing.T) {
	for _, forge := range []bool{false, true} {
		path, right := testPath(), 0
		path.Forge = forge
		s := New(1, Reference, path)
		buffer := make([]byte, 0, s.Room())
		for range 100000 {
			frame := s.Next(buffer)
			datagram := frame[ethernetLen+ipv4Len+udpLen:]
			if h, packet, err := wire.ParseDatagram(datagram); err == nil && h.Tunnel == peerTunnel && inner.IsIP(packet) && fromPeer(packet) {
				right++
			}
		}
		if forge != (right > 1000) || !forge && right != 0 {
			t.Errorf("forge is %t and %d of 100000 mutants are right in every field", forge, right)
		}
	}
}

func fromPeer(packet []byte) bool {
	if packet[0]>>4 == 4 {
		return packet[12] == 198 && packet[13] == 18
	}
	return binary.BigEndian.Uint64(packet[8:]) == 0x2001000200000000
}

// Every sender, port, shape and fault occurs; most headers are valid.
func TestVariety(t *testing.T) {
	for name, path := range map[string]Path{"IPv4": testPath(), "IPv6": testPath6()} {
		s := New(1, Any, path)
		seen, senders, ports := map[string]int{}, map[string]int{}, map[uint16]int{}
		const n = 50000
		right, longest := 0, 0
		for range n {
			frame := s.Next(nil)
			longest = max(longest, len(frame))
			if len(frame) > s.Room() {
				t.Fatalf("%s: a frame of %d bytes, room is %d", name, len(frame), s.Room())
			}
			for _, step := range strings.Split(s.Describe(), ", ") {
				seen[step]++
			}
			senders[s.from.Addr().String()]++
			ports[s.port]++
			if s.headersHold(frame) {
				right++
			}
		}
		want := []string{"reference", "reference control", "vxlan", "wireguard initiation", "wireguard data", "wireguard right mac1", "wireguard replayed initiation", "wireguard bad tag", "gre", "geneve", "gtp-u", "empty", "garbage",
			"largest", "zeros", "cut", "sequence huge", "sequence replayed", "tunnel id", "checksum", "length field", "inner version", "inner source", "vni", "UDP length"}
		if path.To.Is4() {
			want = append(want, "fragment", "IP options", "IP total length", "another protocol", "ICMP error")
		}
		for _, step := range want {
			if seen[step] == 0 {
				t.Errorf("%s: never %q", name, step)
			}
		}
		if len(senders) != len(path.From) || len(ports) != 2 || longest != s.Room() {
			t.Errorf("%s: senders %v, ports %v, longest %d of %d", name, senders, ports, longest, s.Room())
		}
		if share := float64(right) / n; share < 0.8 || share > 0.95 {
			t.Errorf("%s: the headers of %.0f %% are right", name, 100*share)
		}
	}
}

// headersHold reports whether the underlay would carry a frame to a socket.
func (s *Stream) headersHold(frame []byte) bool {
	h := frame[ethernetLen:]
	if s.path.To.Is4() {
		if h[0] != 0x45 || internetChecksum(0, h[:ipv4Len]) != 0 || h[9] != protocolUDP || int(h[2])<<8|int(h[3]) != len(h) || h[6]|h[7] != 0 {
			return false
		}
	}
	u := h[s.network():]
	return int(u[4])<<8|int(u[5]) == len(u) && internetChecksum(s.pseudo(len(u)), u) == 0
}

func TestNextAllocatesNothing(t *testing.T) {
	for _, kind := range kinds {
		s := New(1, kind, testPath())
		buffer := make([]byte, 0, s.Room())
		if n := testing.AllocsPerRun(10000, func() { s.Next(buffer) }); n != 0 {
			t.Errorf("%v: %v allocations", kind, n)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, kind := range kinds {
		if again, err := ParseKind(kind.String()); err != nil || again != kind {
			t.Errorf("%v: %v, %v", kind, again, err)
		}
	}
	if _, err := ParseKind("ipsec"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.String(), func(b *testing.B) {
			s := New(1, kind, testPath())
			buffer := make([]byte, 0, s.Room())
			octets := 0
			for b.Loop() {
				octets += len(s.Next(buffer))
			}
			b.ReportMetric(float64(octets)/float64(b.N), "bytes/mutant")
			b.ReportAllocs()
		})
	}
}
