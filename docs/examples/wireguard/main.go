// Command wireguard is one side of a tunnel by wireguard-go, as somebody else would give it to the
// lab: it follows docs/exec.md and knows nothing of it but that.
package main

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("TB_DEV"), os.Getenv("TB_SIDE")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dev, side string) error {
	mtu, err := strconv.Atoi(os.Getenv("TB_MTU"))
	if err != nil {
		return err
	}
	t, err := tun.CreateTUN(dev, mtu)
	if err != nil {
		return err
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, side+": "))
	defer d.Close()
	other := map[string]string{"left": "right", "right": "left"}[side]
	config := fmt.Sprintf("private_key=%s\nlisten_port=51820\npublic_key=%s\nendpoint=%s:51820\nallowed_ip=0.0.0.0/0\n",
		hex.EncodeToString(key(side).Bytes()), hex.EncodeToString(key(other).PublicKey().Bytes()), os.Getenv("TB_PEER"))
	if err := d.IpcSet(config); err != nil {
		return err
	}
	if err := d.Up(); err != nil {
		return err
	}
	if out, err := exec.Command("ip", "link", "set", dev, "up").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.Wait():
		return fmt.Errorf("the device closed by itself")
	}
}

// key is a side's: both sides know both, for this run alone.
func key(side string) *ecdh.PrivateKey {
	seed := sha256.Sum256([]byte(os.Getenv("TB_RUN") + side))
	k, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		panic(err)
	}
	return k
}
