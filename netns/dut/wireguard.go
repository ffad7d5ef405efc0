package dut

import (
	"context"

	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// The device wireguard-go runs the wireguard-go library in one process per side. The datagram
// format, in bytes:
//
//	outer IPv4 20 | UDP 8 | type, receiver, counter 16 | sealed inner IP packet, padded to 16 | tag 16
var _ = register(Tunnel{
	Order: 50,
	Name:  role.WireGuardGo, Kind: Sealed, Protocol: wireGuardProtocol, Overhead: wireGuardOverhead,
	Doc:   "wireguard-go as a library, in a process per side",
	Probe: probeTUN, Builtin: true,
	Up: func(ctx context.Context, b Env) (*Session, error) {
		return b.startSelf(ctx, role.WireGuardGo)
	},
})

const (
	wireGuardProtocol = "wireguard"
	// wireGuardOverhead is the number of bytes that WireGuard adds to an inner packet on an IPv4 underlay,
	// padding left out.
	wireGuardOverhead = 60
)

// WireGuardPublic returns the public key of a side that speaks WireGuard: on a real network everybody may know it.
func (s *Session) WireGuardPublic(side string) ([]byte, error) {
	private, err := role.WireGuardKey(s.run, side)
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}
