package mutate

import (
	"crypto/rand"
	"net/netip"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Each flood gets exactly as far into a device that speaks WireGuard as its name says.
func TestFloodsReachTheirCheck(t *testing.T) {
	now := time.Unix(1e9, 0)
	device, private := newDevice(t)
	peer, peerKey := newDevice(t)
	of := func(d *wireguard.Device, public wireguard.PublicKey) *wireguard.Peer {
		p, err := d.SetPeer(now, wireguard.PeerConfig{Public: public, Endpoint: netip.MustParseAddrPort("192.0.2.1:51820")})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	of(device, peerKey.Public())
	peer.Reserve(now, of(peer, private.Public()), 1)
	initiation := peer.Tick(now)[0].Datagram
	answers, refusal := device.Handshake(now, initiation, netip.MustParseAddrPort("192.0.2.1:51820"), false)
	if refusal != wireguard.Accepted || len(answers) != 1 {
		t.Fatalf("the genuine initiation: %v", refusal)
	}
	path := testPath()
	index := uint32(answers[0].Datagram[4]) | uint32(answers[0].Datagram[5])<<8 | uint32(answers[0].Datagram[6])<<16 | uint32(answers[0].Datagram[7])<<24
	path.Session = &Session{Receiver: private.Public(), Initiation: initiation, Index: index}
	for kind, want := range map[Kind]wireguard.Refusal{
		WireGuardMAC: wireguard.RefusedMAC, WireGuardForged: wireguard.RefusedSeal, WireGuardReplay: wireguard.RefusedReplay, Junk: wireguard.RefusedForm,
	} {
		for _, message := range payloads(New(1, kind, path), 50) {
			if _, refusal := device.Handshake(now, message, netip.MustParseAddrPort("192.0.2.9:6666"), false); refusal != want {
				t.Fatalf("%v: %v, want %v", kind, refusal, want)
			}
		}
	}
	for kind, known := range map[Kind]bool{WireGuardTag: true, WireGuardIndex: false} {
		for _, message := range payloads(New(1, kind, path), 50) {
			keys := device.Sessions(now, []uint32{wireguard.Index(message)}, nil)[0]
			if (keys != nil) != known {
				t.Fatalf("%v: a session is found: %t, want %t", kind, keys != nil, known)
			}
			if keys == nil {
				continue
			}
			if _, err := keys.Open(message); err == nil {
				t.Fatalf("%v: a forged message opens", kind)
			}
		}
	}
}

func newDevice(t *testing.T) (*wireguard.Device, wireguard.PrivateKey) {
	t.Helper()
	private, err := wireguard.NewPrivateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d, err := wireguard.New(wireguard.Config{Private: private, MTU: 1420, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return d, private
}

// payloads returns the UDP payloads of the next n mutants whose headers are right.
func payloads(s *Stream, n int) (all [][]byte) {
	for len(all) < n {
		if frame := s.Next(nil); s.headersHold(frame) {
			all = append(all, frame[s.headers():])
		}
	}
	return all
}
