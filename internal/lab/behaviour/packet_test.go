package behaviour

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/netns"
)

// A probe is read as it was made, in both versions of IP, and its checksums are right.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		probe Probe
		want  Packet
	}{
		"IPv4": {Probe{Length: 100, TTL: 5, Class: 0xb9, DF: true}, Packet{Version: 4, Length: 100, TTL: 5, Class: 0xb9, ID: 7, DF: true, Protocol: 17,
			Source: netns.Port0Addr, Destination: netns.Port1Addr, Number: 0x10007}},
		"IPv6": {Probe{Length: 1500, Class: 0x03, IPv6: true}, Packet{Version: 6, Length: 1500, TTL: 64, Class: 3, Protocol: 17,
			Source: netns.Port0Addr6, Destination: netns.Port1Addr6, Number: 0x10007}},
		"the shortest": {Probe{Length: leastProbe}, Packet{Version: 4, Length: leastProbe, TTL: 64, ID: 7, Protocol: 17,
			Source: netns.Port0Addr, Destination: netns.Port1Addr, Number: 0x10007}},
	} {
		frame := c.probe.frame(0x10007)
		if diff := cmp.Diff(c.want, parse(frame), cmp.Comparer(func(a, b Packet) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(frame) != 14+c.probe.Length {
			t.Errorf("%s: a frame of %d octets", name, len(frame))
		}
	}
}

// A probe inside another IP packet is carried: its number is not that of the outer packet.
func TestProbeInside(t *testing.T) {
	t.Parallel()
	probe := Probe{Length: 100}.frame(7)
	outer, err := hex.DecodeString("4500007800000000400400006" + "0000201c0000202")
	if err != nil {
		t.Fatal(err)
	}
	p := parse(append(append(append([]byte{}, probe[:14]...), outer...), probe[14:]...))
	if p.Number != 0 || p.Protocol != 4 || p.Length != 120 {
		t.Errorf("%+v", p)
	}
}

// frameOf returns a captured frame: the octets of the IP packet behind an Ethernet header.
func frameOf(t *testing.T, etherType, packet string) []byte {
	t.Helper()
	frame, err := hex.DecodeString("025442000010025442000020" + etherType + strings.ReplaceAll(packet, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// Frames as Linux and RFCs have them.
func TestParseCaptured(t *testing.T) {
	t.Parallel()
	const (
		inner4 = "4500 05dc 0007 4000 4011 0000 c6120002 c6130002 0009 0009 05c8 0000"
		inner6 = "60000000 05b4 11 40 20010002000000000000000000000002 20010002000001000000000000000002 0009 0009 05b4 0000"
		head6  = "60000000 0048 3a 40 20010002000000000000000000000001 20010002000000000000000000000002 "
	)
	for name, c := range map[string]struct {
		etherType, packet string
		kind              ErrorKind
		mtu               int
		fragment          bool
	}{
		"too big":            {"0800", "45c0 0038 0001 0000 4001 0000 c6120001 c6120002 0304 0000 0000 0582 " + inner4, TooBig, 1410, false},
		"too big, old":       {"0800", "45c0 0038 0001 0000 4001 0000 c6120001 c6120002 0304 0000 0000 0000 " + inner4, TooBig, 0, false},
		"time exceeded":      {"0800", "45c0 0038 0001 0000 4001 0000 c6120001 c6120002 0b00 0000 0000 0000 " + inner4, TimeExceeded, 0, false},
		"no route":           {"0800", "45c0 0038 0001 0000 4001 0000 c6120001 c6120002 0300 0000 0000 0000 " + inner4, OtherError, 0, false},
		"an echo":            {"0800", "4500 001c 0001 0000 4001 0000 c6120001 c6120002 0800 0000 0000 0000", "", 0, false},
		"too big, IPv6":      {"86dd", head6 + "0200 0000 0000 0582 " + inner6, TooBig, 1410, false},
		"time exceeded, 6":   {"86dd", head6 + "0300 0000 0000 0000 " + inner6, TimeExceeded, 0, false},
		"no route, IPv6":     {"86dd", head6 + "0100 0000 0000 0000 " + inner6, OtherError, 0, false},
		"an advertisement":   {"86dd", head6 + "8800 0000 6000 0000 " + inner6, "", 0, false},
		"the first fragment": {"0800", "4500 0024 0007 2000 4011 0000 c0000201 c0000202 12b5 12b5 05c8 0000 0800000000000900", "", 0, true},
		"the last fragment":  {"0800", "4500 0024 0007 00b9 4011 0000 c0000201 c0000202 0102030405060708090a0b0c0d0e0f10", "", 0, true},
		"a fragment, IPv6":   {"86dd", "60000000 0010 2c 40 20010002000000000000000000000002 20010002000001000000000000000002 1100 0001 00000007 0009 0009 05b4 0000", "", 0, true},
		"ARP":                {"0806", "0001 0800 0604 0001 025442000010 c6120002 000000000000 c6120001", "", 0, false},
		"cut off":            {"0800", "4500 05dc 0007", "", 0, false},
	} {
		p := parse(frameOf(t, c.etherType, c.packet))
		var kind ErrorKind
		mtu := 0
		if p.Error != nil {
			kind, mtu = p.Error.Kind, p.Error.MTU
		}
		if kind != c.kind || mtu != c.mtu || p.Fragment() != c.fragment {
			t.Errorf("%s: %q of %d, fragment %v, want %q of %d, %v", name, kind, mtu, p.Fragment(), c.kind, c.mtu, c.fragment)
		}
	}
}
