package sealed

import (
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// AllowedIPs attacks the routing table of an end with prefixes of three peers, and compares it with a scan of all
// prefixes. Each step has five bytes: with a low bit of 0 it adds a prefix before the end is made; the others ask, once
// it is made: for an address as a destination, and as the source of a packet from each peer.
func AllowedIPs(data []byte) int {
	const numPeers, longest = 3, 5 * 64
	prefixes := make([][]netip.Prefix, numPeers)
	given := map[netip.Prefix]bool{}
	var questions []netip.Addr
	add := func(i int, p netip.Prefix) {
		if !given[p] {
			given[p], prefixes[i] = true, append(prefixes[i], p)
		}
	}
	for i := range numPeers { // each needs one
		add(i, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}), 32))
	}
	for steps := data[:min(len(data), longest)]; len(steps) >= 5; steps = steps[5:] {
		a := addressOf(steps[0], steps[2:5])
		questions = append(questions, a)
		if steps[0]&1 == 0 {
			p := netip.PrefixFrom(a, int(steps[1])%(a.BitLen()+1)).Masked()
			add(int(steps[0]>>2)%numPeers, p)
			questions = append(questions, last(p))
		}
	}
	if len(questions) == 0 {
		return 0
	}
	t := newTunnelEnd(prefixes)
	for _, a := range questions {
		t.ask(prefixes, a)
	}
	return 1
}

// addressOf makes addresses that have much in common, of both families.
func addressOf(how byte, b []byte) netip.Addr {
	if how&2 == 0 {
		return netip.AddrFrom4([4]byte{10, b[0], b[1], b[2]})
	}
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, b[0], 0, 0, 0, b[1], 0, 0, 0, 0, 0, 0, b[2]})
}

// last returns the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// ask compares the answers for an address with those of the scan.
func (t *tunnelEnd) ask(prefixes [][]netip.Prefix, a netip.Addr) {
	want := scan(prefixes, a)
	elsewhere := netip.MustParseAddr("203.0.113.7")
	if a.Is6() {
		elsewhere = netip.MustParseAddr("fd00::7")
	}
	t.forget()
	t.end.Encap(ipPacket(elsewhere, a))
	switch {
	case want < 0 && len(t.sent) > 0:
		oracle.Fail(oracle.Agreement, "%v is behind nobody, but a packet went to %v", a, t.to)
	case want >= 0 && (len(t.to) != 1 || t.to[0] != peerAt(want)):
		oracle.Fail(oracle.Agreement, "%v is behind peer %d, but a packet went to %v", a, want, t.to)
	}
	for i := range t.peers {
		t.forget()
		before := t.end.Stats().Decap
		t.end.Decap(peerAt(i), t.sealed(i, ipPacket(a, elsewhere)), 0)
		after := t.end.Stats().Decap
		if got := len(t.delivered) == 1; got != (i == want) || got == (after.Drops[stats.DropSource] > before.Drops[stats.DropSource]) {
			oracle.Fail(oracle.Agreement, "source %v from peer %d, behind %d: delivered %v, %v", a, i, want, got, after)
		}
	}
}
