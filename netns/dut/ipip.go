package dut

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
)

// ipip is IP in IP by the Linux kernel (RFC 2003): outer IPv4 20 | inner IPv4 packet.
var _ = register(Tunnel{
	Order: 43,
	Name:  "ipip", Kind: Plain, Overhead: 20,
	Doc: "the kernel's IP in IP (RFC 2003), for IPv4 alone", Modules: []string{"ipip"},
	Probe: probeIPIP,
	Up: func(_ context.Context, b Env) (*Session, error) {
		if b.IPv6 {
			return nil, errNoIPv6
		}
		return b.bothLinks(ipipLink(netlink.Iptun{}))
	},
})

// fou is IP in IP in UDP by the Linux kernel (Foo over UDP, net/ipv4/fou_core.c):
//
//	outer IPv4 20 | UDP 8 | inner IPv4 packet
var _ = register(Tunnel{
	Order: 44,
	Name:  "fou", Kind: Plain, Overhead: 28,
	Doc: "the kernel's IP in IP in UDP (FOU), for IPv4 alone", Modules: []string{"ipip", "fou"},
	Probe: probeFOU,
	Up: func(_ context.Context, b Env) (*Session, error) {
		if b.IPv6 {
			return nil, errNoIPv6
		}
		for _, s := range sides {
			if err := b.Net.NS(s.node).Do(listenFOU); err != nil {
				return nil, fmt.Errorf("%s: fou: %w", s.node, err)
			}
		}
		return b.bothLinks(ipipLink(netlink.Iptun{EncapType: encapFOU, EncapSport: fouPort, EncapDport: fouPort}))
	},
})

var errNoIPv6 = fmt.Errorf("%w: it carries IPv4 alone: leave --ip 6 out", errors.ErrUnsupported)

const (
	fouPort      = 5555
	encapFOU     = 1 // TUNNEL_ENCAP_FOU, linux/if_tunnel.h
	fouDirect    = 1 // FOU_ENCAP_DIRECT, linux/fou.h
	familyIPv4   = 2 // AF_INET
	protocolIPIP = 4 // IPPROTO_IPIP
)

// listenFOU makes the kernel take IP packets from datagrams in the namespace of the calling thread.
func listenFOU() error {
	return netlink.FouAdd(netlink.Fou{Family: familyIPv4, Port: fouPort, Protocol: protocolIPIP, EncapType: fouDirect})
}

// ipipLink returns how to make the interface of each side, with the encapsulation of like.
func ipipLink(like netlink.Iptun) makeLink {
	return func(s side, attrs netlink.LinkAttrs, wan int) netlink.Link {
		link := like
		link.LinkAttrs, link.Link, link.Local, link.Remote = attrs, uint32(wan), s.local.AsSlice(), s.peer.AsSlice()
		link.Ttl, link.PMtuDisc = outerTTL, 1
		return &link
	}
}

func probeFOU(ctx context.Context) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	if err = ns.Do(listenFOU); err != nil {
		err = fmt.Errorf("%w: this kernel has no FOU (CONFIG_NET_FOU): %w", errors.ErrUnsupported, err)
	} else {
		err = probeIPIP(ctx)
	}
	return errors.Join(err, ns.Close())
}

func probeIPIP(context.Context) error {
	return probeLink("CONFIG_NET_IPIP", func(attrs netlink.LinkAttrs) netlink.Link {
		return &netlink.Iptun{LinkAttrs: attrs, Local: net.IPv4(127, 0, 0, 1).To4(), Remote: net.IPv4(127, 0, 0, 2).To4()}
	})
}
