package dut

import (
	"context"
	"net"

	"github.com/vishvananda/netlink"
)

// gre is the GRE implementation of the Linux kernel (RFC 2784). The datagram format, in bytes:
//
//	outer IPv4 20 | GRE 4 | inner IP packet
var _ = register(Tunnel{
	Order: 42,
	Name:  "gre", Kind: Plain, Overhead: 24,
	Doc: "the kernel's GRE (RFC 2784)", Modules: []string{"ip_gre"},
	Probe: func(context.Context) error {
		return probeLink("CONFIG_NET_IPGRE", func(attrs netlink.LinkAttrs) netlink.Link {
			return &netlink.Gretun{LinkAttrs: attrs, Local: net.IPv4(127, 0, 0, 1).To4(), Remote: net.IPv4(127, 0, 0, 2).To4()}
		})
	},
	Up: func(_ context.Context, b Env) (*Session, error) {
		return b.bothLinks(func(s side, attrs netlink.LinkAttrs, wan int) netlink.Link {
			return &netlink.Gretun{LinkAttrs: attrs, Link: uint32(wan), Local: s.local.AsSlice(), Remote: s.peer.AsSlice(), Ttl: outerTTL, PMtuDisc: 1}
		})
	},
})

// outerTTL is the time to live of the outer packets.
const outerTTL = 64
