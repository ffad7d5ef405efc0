package loadgen

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// forward6 is forward with inner IPv6.
func forward6() Stream {
	s := forward()
	s.From.IP, s.To = netip.MustParseAddr("2001:2::2"), netip.MustParseAddr("2001:2:0:100::2")
	return s
}

func TestTemplate(t *testing.T) {
	for _, s := range []Stream{forward(), forward6()} {
		for _, octets := range []int{80, 81, 124, 1514, 3072} {
			frame, err := s.template(octets, 0, 9)
			if err != nil {
				t.Fatal(err)
			}
			if len(frame) != octets {
				t.Fatalf("%d octets, want %d", len(frame), octets)
			}
			decoded := decode(t, frame)
			if decoded.hops != rfcTTL || decoded.udp.SrcPort != rfcSourcePort || decoded.udp.DstPort != rfcDestinationPort ||
				decoded.from != s.From.IP || decoded.to != s.To {
				t.Errorf("%d octets: not the test frame of RFC 2544 C.2.6.4: %+v", octets, decoded)
			}
			if got, err := signature.Parse(frame[s.layout().payload:]); err != nil || got.Trial != 9 {
				t.Errorf("%d octets: signature %+v, %v", octets, got, err)
			}
			for i, b := range decoded.udp.Payload[signature.Len:] {
				if b != byte(i+signature.Len) {
					t.Fatalf("%d octets: payload octet %d is %d", octets, i+signature.Len, b)
				}
			}
		}
	}
}

// decoded is what a second opinion reads in a frame.
type decoded struct {
	from, to netip.Addr
	hops     uint8
	udp      *layers.UDP
}

// decode reads a frame and verifies its checksums and lengths.
func decode(t *testing.T, frame []byte) (d decoded) {
	t.Helper()
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if p.ErrorLayer() != nil || p.TransportLayer() == nil || p.Metadata().Truncated {
		t.Fatalf("%d octets: does not decode: %v", len(frame), p)
	}
	length := 0
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		d.from, d.to, d.hops, length = netip.AddrFrom4([4]byte(ip.SrcIP)), netip.AddrFrom4([4]byte(ip.DstIP)), ip.TTL, int(ip.Length)
	case *layers.IPv6:
		d.from, d.to, d.hops, length = netip.AddrFrom16([16]byte(ip.SrcIP)), netip.AddrFrom16([16]byte(ip.DstIP)), ip.HopLimit, int(ip.Length)+40
	}
	d.udp = p.TransportLayer().(*layers.UDP)
	if length != len(frame)-14 || int(d.udp.Length) != len(d.udp.Payload)+8 {
		t.Errorf("%d octets: the IP packet says %d, UDP %d of %d", len(frame), length, d.udp.Length, len(d.udp.Payload))
	}
	if err := d.udp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	if d.udp.Checksum == 0 {
		t.Errorf("%d octets: no UDP checksum", len(frame))
	}
	for _, layer := range p.Layers() {
		sum, ok := layer.(gopacket.LayerWithChecksum)
		if !ok {
			continue
		}
		if err, got := sum.VerifyChecksum(); err != nil || !got.Valid {
			t.Errorf("%d octets: %v checksum %#x, want %#x (%v)", len(frame), layer.LayerType(), got.Actual, got.Correct, err)
		}
	}
	return d
}

// planOf has n flows over so many networks.
func planOf(n, networks int, seed uint64) Plan { return Plan{Flows: n, Networks: networks, Seed: seed} }

func TestFlowsComeFromTheSeed(t *testing.T) {
	for _, s := range []Stream{forward(), forward6()} {
		frame, err := s.template(80, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		l := s.layout()
		if one := s.flows(planOf(1, 1, 42), 0, frame); len(one) != 1 || !bytes.Equal(one[0].head[:l.headLen], frame[l.head:l.head+l.headLen]) {
			t.Errorf("one flow: % x, want the template's", one)
		}
		a, b, c := s.flows(planOf(1000, 256, 42), 0, frame), s.flows(planOf(1000, 256, 42), 0, frame), s.flows(planOf(1000, 256, 43), 0, frame)
		different := map[flow]bool{}
		networks := [2]map[netip.Addr]int{{}, {}}
		same := 0
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("flow %d: %+v and %+v of one seed", i, a[i], b[i])
			}
			if a[i] == c[i] {
				same++
			}
			different[a[i]] = true
			copy(frame[l.head:], a[i].head[:l.headLen])
			ports := frame[l.udp:]
			source, destination := int(ports[0])<<8|int(ports[1]), int(ports[2])<<8|int(ports[3])
			if source < 1024 || destination < 1 || destination > 49151 {
				t.Errorf("flow %d: ports %d, %d outside RFC 4814 section 4.5", i, source, destination)
			}
			from, to := addressesOf(frame, l)
			networks[0][from]++
			networks[1][to]++
		}
		if len(different) < 990 || same > 10 {
			t.Errorf("%d different flows of 1000, %d shared with another seed", len(different), same)
		}
		for i, base := range []netip.Addr{s.From.IP, s.To} {
			if len(networks[i]) != 256 || networks[i][base] == 0 {
				t.Errorf("side %d: flows in %d networks, %d in %v's", i, len(networks[i]), networks[i][base], base)
			}
			for addr, n := range networks[i] {
				if n > 4 || addr.Prev().Prev().As16()[15] != 0 {
					t.Errorf("side %d: %d flows of %v, want about 4 of a host number 2", i, n, addr)
				}
			}
		}
	}
}

func addressesOf(frame []byte, l layout) (from, to netip.Addr) {
	at, n := l.head+l.addresses, (l.headLen-l.addresses-4)/2
	from, _ = netip.AddrFromSlice(frame[at : at+n])
	to, _ = netip.AddrFromSlice(frame[at+n : at+2*n])
	return from, to
}
