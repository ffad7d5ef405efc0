package dut

import (
	"context"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// wireguard-kernel is the WireGuard implementation of the Linux kernel. Its datagrams are those of
// wireguard-go. wgctrl, of the same authors, speaks its netlink family.
var _ = register(Tunnel{
	Order: 49,
	Name:  "wireguard-kernel", Kind: Sealed, Protocol: wireGuardProtocol, Overhead: wireGuardOverhead,
	Doc: "the kernel's WireGuard", Modules: []string{"wireguard"},
	Probe: func(context.Context) error {
		return probeLink("CONFIG_WIREGUARD", func(attrs netlink.LinkAttrs) netlink.Link { return &netlink.Wireguard{LinkAttrs: attrs} })
	},
	end: func(Env) (end, error) { return end{create: createWireGuard}, nil },
})

// createWireGuard makes the interface of one side and gives it its keys and its peer.
func createWireGuard(b Env, s side) error {
	err := b.addLink(s, func(_ side, attrs netlink.LinkAttrs, _ int) netlink.Link { return &netlink.Wireguard{LinkAttrs: attrs} })
	if err != nil {
		return err
	}
	return b.Net.NS(s.node).Do(func() error { return configureWireGuard(s.dev, b.wireGuard(s, end{})) })
}

// configureWireGuard sets the keys and the peer of an interface in the namespace of the calling thread.
func configureWireGuard(dev string, w role.WireGuard) error {
	private, port := wgtypes.Key(w.Private), int(w.Port)
	return configureInterface(dev, wgtypes.Config{PrivateKey: &private, ListenPort: &port, Peers: []wgtypes.PeerConfig{kernelPeer(w)}})
}

func configureInterface(dev string, c wgtypes.Config) error {
	client, err := wgctrl.New()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ConfigureDevice(dev, c)
}

// kernelPeer returns the peer of an end as the kernel takes it.
func kernelPeer(w role.WireGuard) wgtypes.PeerConfig {
	peer := wgtypes.PeerConfig{
		PublicKey: wgtypes.Key(w.Peer), Endpoint: net.UDPAddrFromAddrPort(w.Endpoint),
		AllowedIPs: []net.IPNet{everything(netns.LeftNets.Addr()), everything(netns.LeftNets6.Addr())},
	}
	if w.Preshared != (wireguard.PresharedKey{}) {
		peer.PresharedKey = (*wgtypes.Key)(&w.Preshared)
	}
	return peer
}

// everything returns 0.0.0.0/0 or ::/0, of the IP version of a.
func everything(a netip.Addr) net.IPNet {
	return net.IPNet{IP: make(net.IP, a.BitLen()/8), Mask: net.CIDRMask(0, a.BitLen())}
}
