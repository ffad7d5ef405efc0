package dut

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// wireguard-kernel is the WireGuard implementation of the Linux kernel. Its datagrams are those of
// wireguard-go. wgctrl, of the same authors, speaks its netlink family.
var _ = register(Tunnel{
	Order: 49,
	Name:  "wireguard-kernel", Kind: Sealed, Protocol: "wireguard", Overhead: 60,
	Doc: "the kernel's WireGuard", Modules: []string{"wireguard"},
	Probe: func(context.Context) error {
		return probeLink("CONFIG_WIREGUARD", func(attrs netlink.LinkAttrs) netlink.Link { return &netlink.Wireguard{LinkAttrs: attrs} })
	},
	Up: func(_ context.Context, b Env) (*Session, error) {
		for i, s := range sides {
			err := b.addLink(s, func(_ side, attrs netlink.LinkAttrs, _ int) netlink.Link { return &netlink.Wireguard{LinkAttrs: attrs} })
			if err == nil {
				err = b.Net.NS(s.node).Do(func() error { return b.configureWireGuard(s, sides[1-i].node) })
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.node, err)
			}
		}
		return &Session{}, b.connect()
	},
})

// configureWireGuard sets the keys and the peer of one side, in the namespace of the calling thread.
func (b Env) configureWireGuard(s side, other string) error {
	own, err := role.WireGuardKey(b.Run, s.node)
	if err != nil {
		return err
	}
	peer, err := role.WireGuardKey(b.Run, other)
	if err != nil {
		return err
	}
	client, err := wgctrl.New()
	if err != nil {
		return err
	}
	defer client.Close()
	private, public, port := wgtypes.Key(own.Bytes()), wgtypes.Key(peer.PublicKey().Bytes()), role.WireGuardPort
	return client.ConfigureDevice(s.dev, wgtypes.Config{
		PrivateKey: &private, ListenPort: &port,
		Peers: []wgtypes.PeerConfig{{
			PublicKey: public, Endpoint: net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.peer, role.WireGuardPort)),
			AllowedIPs: []net.IPNet{everything(netns.LeftNets.Addr()), everything(netns.LeftNets6.Addr())},
		}},
	})
}

// everything returns 0.0.0.0/0 or ::/0, of the IP version of a.
func everything(a netip.Addr) net.IPNet {
	return net.IPNet{IP: make(net.IP, a.BitLen()/8), Mask: net.CIDRMask(0, a.BitLen())}
}
