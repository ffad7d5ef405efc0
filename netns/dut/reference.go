package dut

import (
	"context"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference"
)

// referenceTunnel is the project's own, one process per side:
//
//	outer IPv4 20 | UDP 8 | reference header 18 | inner IP packet
var referenceTunnel = Tunnel{
	Name: "reference", Kind: Plain, Overhead: 28 + reference.HeaderLen,
	Doc:    "the project's reference tunnel, in a process per side",
	Params: map[string][]string{"gso": onOff, "gro": onOff},
	Probe:  probeTUN, Builtin: true,
	Up: func(ctx context.Context, b Bed) (*Session, error) {
		return b.startSelf(ctx, "reference")
	},
}

// onOff are the values of a switch.
var onOff = []string{"on", "off"}

const (
	referencePort = 4754
	referenceID   = 1
)

func runReference(ctx context.Context, e end, ready func() error) error {
	cfg := reference.Defaults()
	cfg.Dev, cfg.MTU, cfg.Tunnel = e.dev, e.mtu, referenceID
	cfg.Local = netip.AddrPortFrom(e.local, referencePort)
	cfg.Peer = netip.AddrPortFrom(e.peer, referencePort)
	for key, into := range map[string]*bool{"gso": &cfg.GSO, "gro": &cfg.GRO} {
		if value, set := e.params[key]; set {
			*into = value == "on"
		}
	}
	t, err := reference.New(cfg)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := ready(); err != nil {
		return err
	}
	return t.Run(ctx)
}
