package dut

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

// The device wireguard-go runs the wireguard-go library in one process per side. The datagram
// format, in bytes:
//
//	outer IPv4 20 | UDP 8 | type, receiver, counter 16 | sealed inner IP packet, padded to 16 | tag 16
var _ = register(Tunnel{
	Order: 50,
	Name:  "wireguard-go", Kind: Sealed, Protocol: wireGuardProtocol, Overhead: wireGuardOverhead,
	Doc:   "wireguard-go as a library, in a process per side",
	Probe: probeTUN, Builtin: true,
	Up: func(ctx context.Context, b Env) (*Session, error) {
		return b.startSelf(ctx, "wireguard-go")
	},
})

const (
	wireGuardPort     = 51820
	wireGuardProtocol = "wireguard"
	// wireGuardOverhead is the number of bytes that WireGuard adds to an inner packet on an IPv4 underlay,
	// padding left out.
	wireGuardOverhead = 60
)

// runWireGuard carries packets until ctx is done. It passes the configuration to the library by a
// function call. The library's control sockets would be in one directory for both sides, where
// their names could collide.
func runWireGuard(ctx context.Context, e end, ready func() error) error {
	t, err := tun.CreateTUN(e.dev, e.mtu)
	if err != nil {
		return fmt.Errorf("create %s: %w", e.dev, err)
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, e.side+": "))
	defer d.Close()
	config, err := wireGuardConfig(e)
	if err != nil {
		return err
	}
	if err := d.IpcSet(config); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if err := d.Up(); err != nil {
		return fmt.Errorf("bring up: %w", err)
	}
	if err := ready(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.Wait():
		return fmt.Errorf("the device closed by itself")
	}
}

// wireGuardConfig returns the configuration of one side as the text of a "set" operation
// (WireGuard's cross-platform configuration protocol).
func wireGuardConfig(e end) (string, error) {
	own, peer, err := wireGuardKeys(e)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("private_key=%s\nlisten_port=%d\npublic_key=%s\nendpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		hex.EncodeToString(own.Bytes()), wireGuardPort, hex.EncodeToString(peer.Bytes()),
		netip.AddrPortFrom(e.peer, wireGuardPort)), nil
}

// wireGuardKeys returns the key of one side and the public key of the other.
func wireGuardKeys(e end) (own *ecdh.PrivateKey, peer *ecdh.PublicKey, err error) {
	other := sides[0].node
	if e.side == other {
		other = sides[1].node
	}
	if own, err = wireGuardKey(e.run, e.side); err != nil {
		return nil, nil, err
	}
	private, err := wireGuardKey(e.run, other)
	if err != nil {
		return nil, nil, err
	}
	return own, private.PublicKey(), nil
}

// wireGuardKey derives the private key of a side from the identifier of the run. Each side can
// compute both keys, so the sides exchange nothing. The keys protect only test traffic.
func wireGuardKey(run, side string) (*ecdh.PrivateKey, error) {
	seed := sha256.Sum256([]byte("tunnelbench " + run + " " + side))
	return ecdh.X25519().NewPrivateKey(seed[:])
}

// WireGuardPublic returns the public key of a side that speaks WireGuard: on a real network everybody may know it.
func (s *Session) WireGuardPublic(side string) ([]byte, error) {
	private, err := wireGuardKey(s.run, side)
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}

var _ = registerRole("wireguard-go", runWireGuard)
