package wireguard

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"time"
)

// counting returns n bytes that count up from first.
func counting(first, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(first + i)
	}
	return b
}

func fromHex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	left  = netip.MustParseAddrPort("192.0.2.1:51820")
	right = netip.MustParseAddrPort("192.0.2.2:51820")
)

// The messages that wireguard-go makes of the same keys and random bytes (commit f333402).
const (
	vectorInitiation = "0100000001020304358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254d06f15f78ad0914d9715147bb5a5004b27345a838bab4aa8bc5f144afc2cf4cc" +
		"a86d6bf50218d61f75ef8c63c227d68c5e5804cc30f7db1090d67af54930efb0fe4e4bb652a2af889084ed02ea380d98b278b0a400b51714df60373d00000000000000000000000000000000"
	vectorResponse = "02000000050607080102030464b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466aa7252184d014720dc5153fe673fbdfa5a5956cc06fb75a4a7aa6d06984a125e" +
		"00000000000000000000000000000000"
	vectorKeepalive = "04000000050607080000000000000000b5bb7805ac8eed14d5455c8a32d1056c"
)

// A handshake and the first message are, byte for byte, those of another implementation.
func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	setUp := make([]byte, 8+keyLen) // what New reads: its generator's seed and the limiter's key
	device := func(private PrivateKey, index, ephemeral []byte) *Device {
		d, err := New(Config{Private: private, MTU: 1420, Random: bytes.NewReader(bytes.Join([][]byte{setUp, index, ephemeral}, nil))})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	keyI, keyR := PrivateKey(counting(0, 32)), PrivateKey(counting(1, 32))
	initiator := device(keyI, []byte{1, 2, 3, 4}, counting(0x20, 32))
	responder := device(keyR, []byte{5, 6, 7, 8}, counting(0x41, 32))
	now, psk := time.Unix(0, 0), PresharedKey(counting(0x80, 32))
	p, err := initiator.SetPeer(now, PeerConfig{Public: keyR.Public(), Preshared: psk, Endpoint: right})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := responder.SetPeer(now, PeerConfig{Public: keyI.Public(), Preshared: psk}); err != nil {
		t.Fatal(err)
	}
	if k, _, _ := initiator.Reserve(now, p, 1); k != nil {
		t.Fatal("a session before the handshake")
	}
	one := func(sends []Send, to netip.AddrPort, want string) []byte {
		t.Helper()
		if len(sends) != 1 || sends[0].To != to || !bytes.Equal(sends[0].Datagram, fromHex(t, want)) {
			t.Fatalf("got %+v, want %s to %v", sends, want, to)
		}
		return sends[0].Datagram
	}
	first := one(initiator.Tick(now), right, vectorInitiation)
	sends, refusal := responder.Handshake(now, first, left, false)
	second := one(sends, left, vectorResponse)
	if refusal != Accepted {
		t.Errorf("refused: %v", refusal)
	}
	sends, refusal = initiator.Handshake(now, second, right, false)
	third := one(sends, right, vectorKeepalive)
	if refusal != Accepted {
		t.Errorf("refused: %v", refusal)
	}
	k := responder.Sessions(now, []uint32{Index(third)}, nil)[0]
	if packet, err := k.Open(third); err != nil || len(packet) != 0 {
		t.Errorf("%x, %v", packet, err)
	}
}
