package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/offload"
)

// merging is reused for all inputs, as a port reuses its Merger.
var merging = new(offload.Merger)

// Merge attacks the Merger of a TUN device. The input is a sequence of packets, each after a
// two-byte length. Splitting the joined packets must return the same packets, in order for each
// flow. If the first byte is odd, checksums are corrected first, because no engine guesses them.
func Merge(data []byte) int {
	if len(data) == 0 {
		return 0
	}
	packets := rows(data[1:], offload.MergeMax)
	if data[0]&1 == 1 {
		fixSegments(packets)
	}
	supers := merge(packets)
	got, joined := cutUp(supers)
	byFlow(packets, got)
	if oracle.Sampled(data, Costly) {
		work := cloned(packets)
		again := func() {
			for i, p := range packets {
				copy(work[i], p)
			}
			merging.Reset()
			for _, p := range work {
				merging.Add(p)
			}
			merging.Supers()
		}
		oracle.Allocates(0, again)
		oracle.Takes(oracle.Budget(len(data)+10*len(packets)), again)
	}
	return joined
}

// rows cuts data into at most n packets.
func rows(data []byte, n int) (packets [][]byte) {
	for len(data) >= 2 && len(packets) < n {
		size := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
		packets = append(packets, data[2:2+size:2+size])
		data = data[2+size:]
	}
	return packets
}

// fixSegments corrects the lengths and checksums of TCP and UDP packets.
func fixSegments(packets [][]byte) {
	for i, p := range packets {
		p = oracle.Exact(p)
		switch {
		case len(p) >= 20 && p[0]>>4 == 4:
			binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
			if n := int(p[0]%16) * 4; p[9] == 17 && len(p) >= n+8 {
				binary.BigEndian.PutUint16(p[n+4:], uint16(len(p)-n))
			}
		case len(p) >= 40 && p[0]>>4 == 6:
			binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
			if p[6] == 17 && len(p) >= 48 {
				binary.BigEndian.PutUint16(p[44:], uint16(len(p)-40))
			}
		}
		if s, ok := slowSegment(p); ok {
			packets[i] = s.build()
		}
	}
}

func cloned(packets [][]byte) (clones [][]byte) {
	for _, p := range packets {
		clones = append(clones, oracle.Exact(p))
	}
	return clones
}

// merge gives copies to the Merger, because it changes the first packet of each flow.
func merge(packets [][]byte) []offload.Super {
	merging.Reset()
	for _, p := range cloned(packets) {
		merging.Add(p)
	}
	return merging.Supers()
}

// cutUp splits super-packets with the slow splitter. joined is 1 if any of them held more than one
// packet.
func cutUp(supers []offload.Super) (packets [][]byte, joined int) {
	for _, s := range supers {
		whole := bytes.Join(s.Parts, nil)
		if s.Packets == 1 {
			oracle.Agree("the header of a single packet", s.Header, offload.VirtioHeader{})
			packets = append(packets, whole)
			continue
		}
		joined = 1
		if len(whole) >= offload.MaxSuper {
			oracle.Fail(oracle.Agreement, "a super-packet of %d bytes", len(whole))
		}
		parts, ok := slowSplit(s.Header, whole)
		if !ok || len(parts) != s.Packets {
			oracle.Fail(oracle.RoundTrip, "%d joined packets are split into %d: %+v", s.Packets, len(parts), s.Header)
		}
		packets = append(packets, parts...)
	}
	return packets, joined
}

// byFlow fails unless out has the packets of in, in the same order for each flow.
func byFlow(in, out [][]byte) {
	if len(in) != len(out) {
		oracle.Fail(oracle.Counted, "%d packets became %d", len(in), len(out))
	}
	flows := map[string][2][][]byte{}
	for side, all := range [][][]byte{in, out} {
		for _, p := range all {
			key := flowKey(p)
			f := flows[key]
			f[side] = append(f[side], p)
			flows[key] = f
		}
	}
	for key, f := range flows {
		if !slices.EqualFunc(f[0], f[1], bytes.Equal) {
			oracle.Fail(oracle.RoundTrip, "the packets of flow %s have changed:\n% x\nwere\n% x", key, f[1], f[0])
		}
	}
}

// flowKey returns addresses, ports and protocol as a key. A packet that is no TCP or UDP segment is a
// flow of its own.
func flowKey(packet []byte) string {
	s, ok := slowSegment(packet)
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%v %v % x % x", s.ipv6, s.udp, s.pseudo()[:len(s.pseudo())-8], s.transport[:4])
}
