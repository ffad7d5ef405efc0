package role

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/netns"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

// WireGuardPort is the port of both ends.
const WireGuardPort = 51820

// runWireGuard carries packets until ctx is done. It passes the configuration to the library by a
// function call. The library's control sockets would be in one directory for both sides, where
// their names could collide.
func runWireGuard(ctx context.Context, e End, ready func() error) error {
	t, err := tun.CreateTUN(e.Dev, e.MTU)
	if err != nil {
		return fmt.Errorf("create %s: %w", e.Dev, err)
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, e.Side+": "))
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
func wireGuardConfig(e End) (string, error) {
	own, peer, err := wireGuardKeys(e)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("private_key=%s\nlisten_port=%d\npublic_key=%s\nendpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		hex.EncodeToString(own.Bytes()), WireGuardPort, hex.EncodeToString(peer.Bytes()),
		netip.AddrPortFrom(e.Peer, WireGuardPort)), nil
}

// wireGuardKeys returns the key of one side and the public key of the other.
func wireGuardKeys(e End) (own *ecdh.PrivateKey, peer *ecdh.PublicKey, err error) {
	other := netns.Left
	if e.Side == other {
		other = netns.Right
	}
	if own, err = WireGuardKey(e.Run, e.Side); err != nil {
		return nil, nil, err
	}
	private, err := WireGuardKey(e.Run, other)
	if err != nil {
		return nil, nil, err
	}
	return own, private.PublicKey(), nil
}

// WireGuardKey derives the private key of a side from the identifier of the run. Each side can
// compute both keys, so the sides exchange nothing. The keys protect only test traffic.
func WireGuardKey(run, side string) (*ecdh.PrivateKey, error) {
	seed := sha256.Sum256([]byte("tunnelbench " + run + " " + side))
	return ecdh.X25519().NewPrivateKey(seed[:])
}

var _ = register(WireGuardGo, runWireGuard)
