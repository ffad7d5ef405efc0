package dut

import (
	"context"
	"net"

	"github.com/vishvananda/netlink"
)

// geneve is the Geneve implementation of the Linux kernel (RFC 8926). The datagram format, in bytes:
//
//	outer IPv4 20 | UDP 8 | Geneve 8 | inner Ethernet 14 | inner IP packet
var _ = register(Tunnel{
	Order: 41,
	Name:  "geneve", Kind: Plain, Overhead: 50,
	Doc: "the kernel's Geneve (RFC 8926)", Modules: []string{"geneve"},
	Probe: func(context.Context) error {
		return probeLink("CONFIG_GENEVE", func(attrs netlink.LinkAttrs) netlink.Link {
			return &netlink.Geneve{LinkAttrs: attrs, ID: geneveID, Remote: net.IPv4(127, 0, 0, 2).To4(), Dport: genevePort}
		})
	},
	Up: func(_ context.Context, b Env) (*Session, error) {
		return b.bothLinks(func(s side, attrs netlink.LinkAttrs, _ int) netlink.Link {
			return &netlink.Geneve{LinkAttrs: attrs, ID: geneveID, Remote: s.peer.AsSlice(), Dport: genevePort, Ttl: outerTTL}
		})
	},
})

const (
	geneveID   = 9
	genevePort = 6081
)
