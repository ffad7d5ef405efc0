package dissector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reports/capture"
)

var headerFields = []string{
	"tunnelbench.tunnel", "tunnelbench.sequence", "tunnelbench.checksum", "tunnelbench.checksum.status", "tunnelbench.length", "tunnelbench.drop", "ip.dst", "ipv6.dst",
}

// underlay is the destination of all datagrams of the tests.
const underlay = "192.0.2.2"

// shown returns what the dissector has to show of a datagram, by our own decoder.
func shown(datagram []byte) []string {
	h, err := wire.ParseHeader(datagram)
	if err == wire.ErrShort {
		return []string{"", "", "", "", "", stats.DropShort.String(), underlay, ""}
	}
	holds := wire.ChecksumHolds(datagram)
	status, drop, packet, ip4, ip6 := "0", "", datagram[wire.HeaderLen:], underlay, ""
	if holds {
		status = "1"
	}
	switch {
	case err != nil:
		drop = stats.DropOf(err).String()
	case h.Tunnel == wire.ControlTunnel:
		drop = stats.DropTunnel.String()
	case !holds:
		drop = stats.DropChecksum.String()
	case !inner.IsIP(packet):
		drop = stats.DropInner.String()
	case packet[0]>>4 == 4:
		ip4 += "," + inner.Destination(packet).String()
	default:
		ip6 = inner.Destination(packet).String()
	}
	return []string{fmt.Sprint(h.Tunnel), fmt.Sprint(h.Sequence), fmt.Sprintf("0x%x", datagram[12:16]), status, fmt.Sprint(h.Length), drop, ip4, ip6}
}

// datagram returns a packet with a header.
func datagram(tunnel uint32, sequence uint64, packet []byte) []byte {
	d := append(make([]byte, wire.HeaderLen), packet...)
	wire.PutHeader(d, tunnel, sequence)
	return d
}

// damage returns a datagram with one fault of those that happen, or none.
func damage(r *rand.Rand, d []byte) []byte {
	switch r.IntN(8) {
	case 0:
		d[r.IntN(wire.HeaderLen)] ^= 1 << r.IntN(8)
	case 1:
		d[r.IntN(len(d))] ^= 1 << r.IntN(8)
	case 2:
		return d[:1+r.IntN(len(d))]
	case 3:
		return append(d, make([]byte, 1+r.IntN(20))...)
	case 4:
		for i := range d[wire.HeaderLen:] {
			d[wire.HeaderLen+i] = byte(r.Uint32()) & 0x3f // no version of IP
		}
		wire.PutHeader(d, r.Uint32N(3), r.Uint64())
	}
	return d
}

// What tshark shows of a datagram is what our decoder finds in it, and the word is that of the counter.
func TestFieldsAreTheDecoders(t *testing.T) {
	t.Parallel()
	const seed, frames = 20, 10_000
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	packets, want := make([][]byte, frames), make([][]string, frames)
	drops := map[string]int{}
	for i := range packets {
		packet := udp(t, 5001, make([]byte, r.IntN(1400>>r.IntN(10))))
		if r.IntN(3) == 0 {
			packet = udp6(t, 5001, make([]byte, r.IntN(1400>>r.IntN(10))))
		}
		d := damage(r, datagram(r.Uint32N(1<<r.IntN(32)), r.Uint64(), packet))
		packets[i], want[i] = udp(t, tunnelPort, d), shown(d)
		drops[want[i][5]]++
	}
	for _, reason := range []stats.Drop{stats.DropShort, stats.DropLength, stats.DropTunnel, stats.DropChecksum, stats.DropInner} {
		if drops[reason.String()] < 20 {
			t.Errorf("only %d frames are dropped for %q: the test is too weak", drops[reason.String()], reason)
		}
	}
	got := rows(t, headerFields, captured(t, packets...))
	if len(got) != frames {
		t.Fatalf("%d rows, want %d", len(got), frames)
	}
	for i := range got {
		if diff := cmp.Diff(want[i], outside(got[i])); diff != "" {
			t.Fatalf("frame %d (-want +got):\n%s", i, diff)
		}
	}
}

// outside drops the inner addresses of a datagram that an end drops. Wireshark shows what it can of them.
func outside(row []string) []string {
	if row = slices.Clone(row); row[5] != "" {
		row[6], row[7] = underlay, ""
	}
	return row
}

// Datagrams that the kernel sends or has received as one payload are shown one by one.
func TestRowsOfDatagrams(t *testing.T) {
	t.Parallel()
	one, two, short := datagram(7, 1, udp(t, 5001, []byte("first"))), datagram(7, 2, udp(t, 5001, []byte("secnd"))), datagram(7, 3, udp(t, 5001, nil))
	foreign := datagram(8, 2, udp(t, 5001, []byte("other")))
	for name, c := range map[string]struct {
		payload    []byte
		sequences  string
		drops, why string
	}{
		"one":             {one, "1", "", "a datagram"},
		"two":             {slices.Concat(one, two), "1,2", "", "a row"},
		"last is shorter": {slices.Concat(one, two, short), "1,2,3", "", "UDP_SEGMENT allows it"},
		"last is longer":  {slices.Concat(short, one), "3", "length", "no row has it"},
		"two tunnels":     {slices.Concat(one, foreign, two), "1,2,2", "", "peers with one address share a row"},
		"control":         {slices.Concat(datagram(0, 1, nil), datagram(0, 2, nil)), "1", "length", "control frames come one by one"},
		"then control":    {slices.Concat(one, datagram(0, 2, udp(t, 5001, []byte("other")))), "1", "length", "no tunnel has the id 0"},
		"rest":            {slices.Concat(one, two, []byte("rest")), "1", "length", "the rest is no datagram"},
		"another length":  {slices.Concat(one, two[:16], []byte{0, 9}, two[18:]), "1", "length", "the second one's field is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := rows(t, []string{"tunnelbench.sequence", "tunnelbench.drop"}, captured(t, udp(t, tunnelPort, c.payload)))
			if diff := cmp.Diff([][]string{{c.sequences, c.drops}}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.why, diff)
			}
		})
	}
}

// The ports are a preference, and -d is for once.
func TestPorts(t *testing.T) {
	t.Parallel()
	d := datagram(7, 1, udp(t, 5001, nil))
	file := captured(t, udp(t, tunnelPort, d), udp(t, 5000, d), udp(t, 6000, d))
	for name, c := range map[string]struct {
		args []string
		want [][]string
	}{
		"default":    {nil, [][]string{{"7"}, {""}, {""}}},
		"preference": {[]string{"-o", "tunnelbench.ports:5000,5999-6001"}, [][]string{{""}, {"7"}, {"7"}}},
		"none":       {[]string{"-o", "tunnelbench.ports:"}, [][]string{{""}, {""}, {""}}},
		"decode as":  {[]string{"-d", "udp.port==5000,tunnelbench"}, [][]string{{"7"}, {"7"}, {""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, rows(t, []string{"tunnelbench.tunnel"}, file, c.args...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A checksum is bad only if it was looked at.
func TestUnverified(t *testing.T) {
	t.Parallel()
	damaged := datagram(7, 1, udp(t, 5001, make([]byte, 100)))
	damaged[12]++
	fields := []string{"tunnelbench.checksum.status", "tunnelbench.drop", "udp.dstport"}
	got := rows(t, fields, captured(t, udp(t, tunnelPort, damaged)), "-o", "tunnelbench.verify:FALSE")
	if diff := cmp.Diff([][]string{{"2", "", "4754,5001"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What was not captured is no fault of a datagram, wherever the capture ends. What the length on the wire says is one.
func TestPartOfADatagram(t *testing.T) {
	t.Parallel()
	one, two := datagram(7, 1, udp(t, 5001, make([]byte, 100))), datagram(8, 2, udp(t, 5001, make([]byte, 100)))
	one[12]++ // nobody can know
	long := append(slices.Clone(one), "a rest"...)
	const headers = 20 + 8 // of IPv4 and UDP
	cases := []struct {
		name    string
		payload []byte
		n       int      // octets of it that were captured
		want    []string // sequence numbers, checksum's status, drop, and 1 if a part is said to be missing
	}{
		{"a part of the header", one, 10, []string{"", "", "", "1"}},
		{"a part of too little", one[:17], 10, []string{"", "", "short", ""}},
		{"the header", one, 18, []string{"1", "2", "", "1"}},
		{"a part of the packet", one, 19, []string{"1", "2", "", "1"}},
		{"all but an octet", one, len(one) - 1, []string{"1", "2", "", "1"}},
		{"all", one, len(one), []string{"1", "0", "checksum", ""}},
		{"of one that is too long", long, 18, []string{"1", "2", "length", "1"}},
		{"of a control frame", datagram(0, 3, make([]byte, 40)), 18, []string{"3", "2", "tunnel", "1"}},
		{"of a row: the first", slices.Concat(two, one), len(two), []string{"2", "1", "", ""}},
		{"of a row: the first header", slices.Concat(two, one), 18, []string{"2", "2", "", "1"}},
		{"of a row: a second header", slices.Concat(two, one), len(two) + 18, []string{"2,1", "1,2", "", "1"}},
		{"of no row: a second header", slices.Concat(two, long), len(two) + 18, []string{"2", "2", "length", "1"}},
	}
	packets := make([]capture.Packet, len(cases))
	for i, c := range cases {
		whole := udp(t, tunnelPort, c.payload)
		packets[i] = capture.Packet{Data: whole[:headers+c.n], OriginalLength: len(whole)}
	}
	got := rows(t, []string{"tunnelbench.sequence", "tunnelbench.checksum.status", "tunnelbench.drop", "tunnelbench.cut"}, record(t, packets...))
	for i, c := range cases {
		if diff := cmp.Diff(c.want, got[i]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
