package loadgen_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

func TestTemplate(t *testing.T) {
	for _, p := range []loadgen.Plan{enginetest.Plan(), enginetest.Plan6()} {
		s := p.Streams[0]
		for _, length := range []int{80, 81, 124, 1514, 3072} {
			frame, err := s.Template(length, 0, 9)
			if err != nil {
				t.Fatal(err)
			}
			if len(frame) != length {
				t.Fatalf("%d bytes, want %d", len(frame), length)
			}
			decoded := enginetest.Decode(t, frame)
			if decoded.Hops != 10 || decoded.UDP.SrcPort != 0xC020 || decoded.UDP.DstPort != 7 ||
				decoded.From != s.From.IP || decoded.To != s.To {
				t.Errorf("%d bytes: not the test frame of RFC 2544 C.2.6.4: %+v", length, decoded)
			}
			if got, err := signature.Parse(frame[s.Layout().Payload:]); err != nil || got.Trial != 9 {
				t.Errorf("%d bytes: signature %+v, %v", length, got, err)
			}
			for i, b := range decoded.UDP.Payload[signature.Len:] {
				if b != byte(i+signature.Len) {
					t.Fatalf("%d bytes: payload byte %d is %d", length, i+signature.Len, b)
				}
			}
		}
	}
}

// flowsOf returns n flows of p in frames of 80 bytes without FCS, with the given number of networks.
func flowsOf(t *testing.T, p loadgen.Plan, n, networks int, seed uint64) []loadgen.Flow {
	t.Helper()
	p.Size, p.Flows, p.Networks, p.Seed = 84, n, networks, seed
	_, flows, err := p.StreamFrames(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return flows
}

func TestFlowsComeFromTheSeed(t *testing.T) {
	for _, p := range []loadgen.Plan{enginetest.Plan(), enginetest.Plan6()} {
		s := p.Streams[0]
		frame, err := s.Template(80, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		l := s.Layout()
		if one := flowsOf(t, p, 1, 1, 42); len(one) != 1 || !bytes.Equal(one[0].Head[:l.HeadLen], frame[l.Head:l.Head+l.HeadLen]) {
			t.Errorf("one flow: % x, want the template's", one)
		}
		a, b, c := flowsOf(t, p, 1000, 256, 42), flowsOf(t, p, 1000, 256, 42), flowsOf(t, p, 1000, 256, 43)
		different := map[loadgen.Flow]bool{}
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
			copy(frame[l.Head:], a[i].Head[:l.HeadLen])
			ports := frame[l.Payload-8:]
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

func addressesOf(frame []byte, l loadgen.Layout) (from, to netip.Addr) {
	n := 4
	if l.HeadLen > 14 {
		n = 16 // IPv6
	}
	at := l.Head + l.HeadLen - 4 - 2*n // the ports follow the addresses
	from, _ = netip.AddrFromSlice(frame[at : at+n])
	to, _ = netip.AddrFromSlice(frame[at+n : at+2*n])
	return from, to
}
