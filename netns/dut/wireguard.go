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

// wireguardGo is wireguard-go as a library, one process per side:
//
//	outer IPv4 20 | UDP 8 | type, receiver, counter 16 | sealed inner IP packet, padded to 16 | tag 16
var _ = register(Tunnel{
	Order: 50,
	Name:  "wireguard-go", Kind: Sealed, Protocol: "wireguard", Overhead: 60,
	Doc:   "wireguard-go as a library, in a process per side",
	Probe: probeTUN, Builtin: true,
	Up: func(ctx context.Context, b Env) (*Session, error) {
		return b.startSelf(ctx, "wireguard-go")
	},
})

const wireGuardPort = 51820

// runWireGuard carries packets until ctx is done. It is configured in memory:
// the library's control sockets live in one directory and two sides would
// collide there.
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

// wireGuardConfig is the cross-platform configuration protocol's "set" text.
func wireGuardConfig(e end) (string, error) {
	other := "left"
	if e.side == "left" {
		other = "right"
	}
	own, err := wireGuardKey(e.run, e.side)
	if err != nil {
		return "", err
	}
	peer, err := wireGuardKey(e.run, other)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("private_key=%s\nlisten_port=%d\npublic_key=%s\nendpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		hex.EncodeToString(own.Bytes()), wireGuardPort, hex.EncodeToString(peer.PublicKey().Bytes()),
		netip.AddrPortFrom(e.peer, wireGuardPort)), nil
}

// wireGuardKey derives a side's key from the run's id, so that both sides know
// both without a word. The keys guard nothing but frames of a lab.
func wireGuardKey(run, side string) (*ecdh.PrivateKey, error) {
	seed := sha256.Sum256([]byte("tunnelbench " + run + " " + side))
	return ecdh.X25519().NewPrivateKey(seed[:])
}

var _ = registerRole("wireguard-go", runWireGuard)
