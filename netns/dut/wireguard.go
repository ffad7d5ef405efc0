package dut

import (
	"crypto/sha256"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// The devices wireguard-go and tailscale-wireguard-go run the library wireguard-go, and Tailscale's
// fork of it, in one process per side. The datagram format, in bytes:
//
//	outer IPv4 20 | UDP 8 | type, receiver, counter 16 | sealed inner IP packet, padded to 16 | tag 16
var _ = []Tunnel{
	register(wireGuardGo(role.WireGuardGo, "wireguard-go as a library, in a process per side", "gomaxprocs", "gogc")),
	register(wireGuardGo(role.TailscaleWireGuardGo, "Tailscale's fork of wireguard-go as a library, in a process per side", "gomaxprocs", "gogc", "queue")),
}

const (
	wireGuardProtocol = "wireguard"
	// wireGuardOverhead is the number of bytes that WireGuard adds to an inner packet on an IPv4 underlay,
	// padding left out.
	wireGuardOverhead = 60
)

func wireGuardGo(name, doc string, params ...string) Tunnel {
	t := Tunnel{
		Order: 50, Name: name, Kind: Sealed, Protocol: wireGuardProtocol, Overhead: wireGuardOverhead, Doc: doc,
		Params: map[string][]string{paramUnderlay: {"4", "6"}}, Probe: probeTUN, Builtin: true,
		Check: func(values map[string]string) error {
			_, err := role.ParseTuning(values)
			return err
		},
		end: func(b Env) (end, error) { return b.builtin(name) },
	}
	for _, param := range params {
		t.Params[param] = nil
	}
	return t
}

// paramUnderlay is the parameter that chooses the IP version of the underlay.
const paramUnderlay = "underlay"

// WireGuard is what may be unusual about one side of a tunnel in WireGuard's format.
type WireGuard struct {
	Preshared wireguard.PresharedKey // zero: none
	Endpoint  netip.AddrPort         // where this side finds its peer; zero: the other side's address
}

// wireGuard returns the keys and addresses of one side.
func (b Env) wireGuard(s side, e end) role.WireGuard {
	other, peer := sides[0].node, s.peer
	if s.node == other {
		other = sides[1].node
	}
	if b.Underlay6 || e.params[paramUnderlay] == "6" {
		peer = s.peer6
	}
	w := role.WireGuard{
		Private: wireGuardKey(b.Run, s.node), Peer: wireGuardKey(b.Run, other).Public(),
		Preshared: b.WireGuard[s.node].Preshared, Port: role.WireGuardPort, Endpoint: netip.AddrPortFrom(peer, role.WireGuardPort),
	}
	if special := b.WireGuard[s.node].Endpoint; special.IsValid() {
		w.Endpoint = special
	}
	return w
}

// wireGuardKey derives the private key of a side from the identifier of the run. The keys protect
// only test traffic.
func wireGuardKey(run, side string) wireguard.PrivateKey {
	return sha256.Sum256([]byte("tunnelbench " + run + " " + side))
}

// WireGuardPublic returns the public key of a side that speaks WireGuard: on a real network everybody may know it.
func (s *Session) WireGuardPublic(side string) wireguard.PublicKey {
	return wireGuardKey(s.env.Run, side).Public()
}
