package role

import (
	"fmt"

	"github.com/tailscale/wireguard-go/conn"
	"github.com/tailscale/wireguard-go/device"
	"github.com/tailscale/wireguard-go/tun"
)

func openTailscale(e End, tuning Tuning) (library, error) {
	t, err := tun.CreateTUN(e.Dev, e.MTU)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", e.Dev, err)
	}
	var options []device.Option
	if tuning.Queue > 0 {
		options = append(options, device.WithQueueInboundSize(tuning.Queue), device.WithQueueOutboundSize(tuning.Queue))
	}
	return device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, e.Side+": "), options...), nil
}

var _ = register(TailscaleWireGuardGo, runLibrary(openTailscale))
