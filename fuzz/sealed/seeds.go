package sealed

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// DatagramSeeds are the genuine messages of the scene, and one of each kind that is damaged.
func DatagramSeeds() [][]byte {
	s := newScene()
	seeds := [][]byte{nil}
	for how := range byte(12) {
		seeds = append(seeds, append([]byte{how, how}, make([]byte, 148)...))
	}
	for kind, n := range []int{3, 148, 92, 64, 32} { // of each type, with nothing in it
		for how := range byte(12) {
			seeds = append(seeds, append([]byte{how, 3, byte(kind)}, make([]byte, n-1)...))
		}
	}
	for i, m := range slices.Concat(s.fresh, s.stale, s.own) {
		for _, load := range []byte{0, 1} {
			seeds = append(seeds, append([]byte{load, byte(i)}, m...))
			damaged := append([]byte{load | 2, byte(i)}, m...)
			damaged[2+len(m)/2] ^= 4
			seeds = append(seeds, damaged)
		}
	}
	return seeds
}

// MutateSeeds change each message in each way.
func MutateSeeds() (seeds [][]byte) {
	for kind := range byte(numKinds + 7) {
		program := []byte{kind, stepDeliver, 0, 0}
		for point := range byte(7) {
			program = append(program, stepLowOrder, point, 0, stepSign, 0, 0, stepDeliver, 0, 0)
		}
		seeds = append(seeds, program)
		seeds = append(seeds, []byte{kind,
			stepFlip, 1, 0, stepSign, 0, 0, stepSource, 3, 0, stepDeliver, 0, 0,
			stepFlip, 3, 0, stepSign, 0, 0, stepDeliver, 0, 0,
			stepCut, 0, 91, stepSign, 0, 0, stepDeliver, 0, 0,
			stepLengthen, 0, 1, stepSign, 0, 0, stepDeliver, 0, 0,
			stepIndex, 1, 0, stepDeliver, 0, 0, stepIndex, 0, 1, stepSign, 0, 0, stepDeliver, 0, 0,
			stepType, 2, 0, stepDeliver, 0, 0, stepType, 1, 2, stepDeliver, 0, 0,
			stepCounter, 6, 0, stepDeliver, 0, 0, stepCounter, 9, 0, stepDeliver, 0, 0,
			stepSplice, 1, 12, stepSign, 1, 0, stepDeliver, 0, 0,
		})
	}
	return seeds
}

// WindowSeeds visit each edge, in order, out of order and again.
func WindowSeeds() (seeds [][]byte) {
	for how := range byte(10) {
		program := []byte{}
		for _, by := range []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 0} {
			program = append(program, how, 0, by, 0, 0, 0, how|0x80, 0xff, by)
		}
		seeds = append(seeds, program)
	}
	seeds = append(seeds, []byte{9, 0, 1, 4, 0, 1, 4, 0, 2, 4, 0, 2, 5, 0, 0, 5, 0, 1, 5, 0, 2, 3, 0x20, 0, 3, 0, 64, 3, 0, 64, 3, 0, 65})
	return append(seeds, nil)
}

// AllowedIPsSeeds have prefixes within prefixes, of both families.
func AllowedIPsSeeds() [][]byte {
	return [][]byte{
		{0, 8, 1, 0, 0, 4, 16, 7, 0, 0, 8, 24, 7, 7, 0, 0, 32, 7, 7, 7, 1, 0, 7, 7, 8, 1, 0, 7, 8, 8, 1, 0, 8, 8, 8},
		{2, 32, 1, 0, 0, 6, 48, 7, 0, 0, 10, 64, 7, 7, 0, 2, 128, 7, 7, 7, 3, 0, 7, 7, 8, 3, 0, 7, 8, 8, 3, 0, 8, 8, 8},
		{0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0},
		{0, 8, 1, 0, 0, 4, 8, 1, 0, 0, 1, 0, 1, 0, 0, 4, 9, 1, 128, 0, 8, 31, 1, 128, 2},
		nil,
	}
}

// InnerSeeds are packets of both families: genuine, cut, padded, of the other peer, with lying lengths.
func InnerSeeds() (seeds [][]byte) {
	to4, to6 := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("fd00::7")
	for _, from := range []string{"10.1.2.3", "10.7.1.2", "10.7.7.7", "2001:db8:1::1", "2001:db8:7::1", "192.0.2.1", "fd00::1"} {
		source, to := netip.MustParseAddr(from), to4
		if source.Is6() {
			to = to6
		}
		packet := ipPacket(source, to)
		for how := range byte(numSpoils) {
			seeds = append(seeds, append([]byte{how << 1}, packet...))
		}
		for peer := range byte(2) {
			good := append([]byte{peer}, packet...)
			lying := slices.Clone(good)
			lying[1+3], lying[1+5] = 255, 255 // the length of IPv4 and of IPv6
			tiny := slices.Clone(good)
			tiny[1+3], tiny[1+5] = 1, 0
			huge := slices.Clone(good)
			copy(huge[1+2:], []byte{255, 255, 255, 255})
			seeds = append(seeds, good, lying, tiny, huge, good[:len(good)-9], append(slices.Clone(good), make([]byte, 15)...))
		}
	}
	long := append([]byte{0}, make([]byte, mtu+wireguard.Pad)...)
	copy(long[1:], ipPacket(netip.MustParseAddr("10.1.2.3"), to4))
	for _, n := range []int{mtu, mtu + 1} {
		long[3], long[4] = byte(n>>8), byte(n)
		seeds = append(seeds, slices.Clone(long))
	}
	return append(seeds, append(slices.Clone(long), 0), []byte{0}, []byte{1, 0x45}, []byte{1, 0x60}, nil)
}

// QuickSeeds are wg-quick files, valid and invalid.
func QuickSeeds() (seeds [][]byte) {
	key, far, third := wireguard.PrivateKey{8, 1}.Base64(), wireguard.PrivateKey{8, 2}.Public().String(), wireguard.PrivateKey{8, 3}.Public().String()
	good := "# one end\n[Interface]\nPrivateKey = " + key + " # it\nlistenport=51820\nMTU = 1380\nFwMark = off\n\n[peer]\nPublicKey = " + far +
		"\nPresharedKey = " + key + "\nAllowedIPs = 10.1.0.0/16, fd00:1::/48\nAllowedIPs = 10.9.0.7\nEndpoint = 192.0.2.2:51820\nPersistentKeepalive = 25\n"
	second := "[Peer]\nPublicKey = " + third + "\nAllowedIPs = 10.1.2.3/24\nEndpoint = [2001:db8::3]:4000\nPersistentKeepalive = off\n"
	seeds = append(seeds, []byte(good), []byte(good+second), []byte(second+good), []byte(good+good), nil, []byte("\xff\xfe"), []byte("[Interface]\n"), []byte("[Interface\n"), []byte("[Peer]\n[Peer]\n"))
	for _, change := range [][2]string{
		{"MTU = 1380", "PostUp = rm -rf /"}, {"MTU = 1380", "predown=x"}, {"MTU = 1380", "Address = 10.0.0.1/24"}, {"MTU = 1380", "MTU = 1"}, {"MTU = 1380", "MTU = x"},
		{"MTU = 1380", "MTU = 1380\nMTU = 1380"}, {"MTU = 1380", "Nonsense = 1"}, {"FwMark = off", "FwMark = 0x1"}, {"FwMark = off", "FwMark = 0"}, {"listenport=51820", "listenport=65536"},
		{"PrivateKey = ", "PublicKey = "}, {"PrivateKey = " + key, "PrivateKey = " + key[1:]}, {"PrivateKey = " + key, "MTU = " + key}, {"PrivateKey = " + key, key},
		{"PrivateKey = " + key + " # it\n", ""}, {key, strings.Repeat("A", 43) + "="}, {"10.9.0.7", "10.1.0.0/16"}, {"10.9.0.7", "10.9.0.7/33"}, {"10.9.0.7", key},
		{"192.0.2.2:51820", "host.example:1"}, {"192.0.2.2:51820", "192.0.2.2:0"}, {"= 25", "= 65536"}, {"= 25", "= off"}, {"[Interface]", ""}, {"[peer]", "[Interface]"}, {"[peer]", "[other]"},
		{"PublicKey = " + far, "PublicKey = " + strings.Repeat("A", 43) + "="}, {"PublicKey = " + far, ""}, {"PublicKey = " + far, "PublicKey = " + far[1:]}, {"Interface", "Inter\x00face"}, {"= 25", "= 0"}, {"MTU = 1380", "MTU = 65535"}, {"AllowedIPs = 10.1.0.0/16, fd00:1::/48\nAllowedIPs = 10.9.0.7\n", ""},
	} {
		seeds = append(seeds, []byte(strings.Replace(good, change[0], change[1], 1)))
	}
	return append(seeds, []byte(strings.Replace(good+second, third, far, 1)))
}

// ProgramSeeds are a session's life: data, loss, renewal, roaming, restarts, other keys.
func ProgramSeeds() [][]byte {
	const right = 0x80 // the other side does it
	return [][]byte{
		nil,
		{0, 0, 4, 0, right, 0, 4, 0, 0, 0, 10 | right, 0, 4, 0},                      // there, back, and one twice
		{0, 0, 4, 0, 6, 10, 0, 0, 4, 0, 0, 0, 4, 0},                                  // a renewal
		{0, 0, 4, 0, 6, 12, 0, 0, 6, 3, 0, 0, 8 | right, 0, 8 | right, 0},            // an old session
		{0, 0, right, 0, 8, 0, 8 | right, 0, 6, 5, 4, 0, 0, 0, 4, 0},                 // both begin
		{0, 0, 4, 0, 14, 7, 0, 0, 4, 0, 0, 0, 12 | right, 1, right, 0, 4, 0},         // roaming
		{0, 0, 4, 0, 15, 0, 6, 5, 0, 0, 4, 0, 15 | right, 0, 0, 0, 4, 0, 6, 7, 4, 0}, // restarts
		{7, 5, 0, 0, 4, 0, 6, 5, 4, 0, 7 | right, 5, 6, 5, 4, 0, 0, 0, 4, 0},         // preshared keys
		{7 | right, 2, 0, 0, 8 | right, 0, 8, 0, 6, 5, 8 | right, 0, 4, 0},           // a cookie
		{7, 6, 6, 15, 4, 0, 11, 0, 6, 8, 6, 8, 4, 0},                                 // keepalives
		{0, 0, 10 | right, 0, 8 | right, 0, 13, 1, 13, 70, 13, 200, 8, 0, 13 | right, 9, 8 | right, 0, 8 | right, 0, 4, 0},
		{0, 0, 4, 0, 7, 38, 11 | right, 2, 13 | right, 3, 10 | right, 0, 10 | right, 1, 12 | right, 2, 9 | right, 3, 4, 0, 6, 6, 4, 0, 6, 14, 0, 0, 4, 0},
		{0, 0, 6, 9, 6, 15, 6, 14, 4, 0, 0, 0, 4, 0}, // nobody answers
		{0, 0, 10 | right, 0, 4, 0, 10 | right, 0, 6, 2, 0, 0, 15 | right, 0, 4, 0},
		{0, 0, 8 | right, 0, 11, 0, right, 0, 6, 5, 8, 0, 8 | right, 1, 4, 0},              // each answers the other
		{0, 0, 4, 0, 6, 11, right, 0, 4, 0},                                                // an initiator that only receives
		{0, 0, 4, 0, 6, 13, 0, 0, right, 0, 8 | right, 0, 8, 1, 8 | right, 0, 4, 0},        // a packet waits for the other's call
		{0, 0, 4, 0, 6, 11, 6, 6, right, 0, 8, 0, 6, 7, 6, 7},                              // a keepalive that comes too late
		{0, 0, 4, 0, 3, 0, 3 | right, 0, 4, 0, 7, 4, 7 | right, 9, 0, 0, 4, 0, 6, 5, 4, 0}, // a packet that was late; a peer removed
		{7 | right, 2, 14, 1, 0, 0, 8 | right, 0, 8, 0, 6, 5, 4, 0, 14, 0, 0, 0, 4, 0},     // a cookie for IPv6
		bytes.Repeat([]byte{0, 0, 4, 0, 6, 10}, 8),                                         // renewals
		{7, 5, 0, 0, 4, 0, 6, 5, 4, 0},                                                     // one side has another preshared key
		append(bytes.Repeat([]byte{7, 38}, 20), 4, 0, 4, 0),                                // more than can wait
	}
}
