package dut

import (
	"maps"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// The reference tunnel of this project runs one process per side. The datagram format, in bytes:
//
//	outer IPv4 20 | UDP 8 | reference header 18 | inner IP packet
//
// The variants are the same tunnel with other default parameters. The user can change every
// parameter of a variant.
var _ = []Tunnel{
	register(variant(role.Reference, "the project's reference tunnel, a process per side: AF_XDP for frames, TUN for hosts' super-packets", nil)),
	register(variant("reference-tun", "the same with a TUN device as LAN port", map[string]string{"port": "tun"})),
	register(variant("reference-xdp", "the same with an AF_XDP socket on the LAN interface as port", map[string]string{"port": "xdp"})),
	register(variant("reference-pool", "the same with a pool of workers", map[string]string{"engine": "pool", "port": "tun"})),
	register(sealed(variant("reference-wg", "the reference tunnel in WireGuard's format: AF_XDP for frames, TUN for hosts' super-packets", map[string]string{role.ParamFormat: role.FormatWireGuard}))),
	register(sealed(variant("reference-wg-tun", "the same with a TUN device as LAN port", map[string]string{role.ParamFormat: role.FormatWireGuard, "port": "tun"}))),
	register(sealed(variant("reference-wg-xdp", "the same with an AF_XDP socket on the LAN interface as port", map[string]string{role.ParamFormat: role.FormatWireGuard, "port": "xdp"}))),
}

// sealed makes a variant one in WireGuard's format.
func sealed(t Tunnel) Tunnel {
	t.Order, t.Kind, t.Protocol, t.Overhead, t.Scales = 45, Sealed, wireGuardProtocol, wireGuardOverhead, ""
	return t
}

// referenceProtocol names the format of the reference tunnel's datagrams.
const referenceProtocol = "reference"

// referenceOverhead is the number of bytes that the reference tunnel adds to an inner packet on
// an IPv4 underlay.
const referenceOverhead = 28 + tunnelwire.HeaderLen

// onOff holds the values of a parameter that is a switch.
var onOff = []string{"on", "off"}

func variant(name, doc string, preset map[string]string) Tunnel {
	return Tunnel{
		Order: 60, Name: name, Kind: Plain, Protocol: referenceProtocol, Overhead: referenceOverhead, Doc: doc,
		Params: map[string][]string{
			"port": {"tun", "xdp"}, "engine": {"run", "pool"}, "workers": nil, "peers": nil,
			"pin": onOff, "pooling": onOff, "gso": onOff, "gro": onOff, "offloads": onOff, "yield": onOff, paramUnderlay: {"4", "6"},
		},
		Check: func(values map[string]string) error {
			_, err := role.ReferenceConfig(role.End{Params: values})
			return err
		},
		Probe: probeTUN, Builtin: true, Scales: "peers",
		end: func(b Env) (end, error) {
			params := map[string]string{"port": b.bestPort()}
			maps.Copy(params, preset)
			maps.Copy(params, b.Params)
			e, err := b.builtin(role.Reference)
			e.params, e.onLAN = params, params["port"] == string(settings.XDP)
			return e, err
		},
	}
}

// bestPort returns the port type that measured faster for the network of b. An AF_XDP socket on
// the LAN interface is faster for single frames that fit into its slots. A TUN device is faster
// for hosts that send super-packets (TSO and GSO), and is needed for larger MTUs.
func (b Env) bestPort() string {
	for _, l := range b.Net.Topology.Links {
		onLAN := l.A.Name == netns.LAN || l.B.Name == netns.LAN
		if onLAN && (l.Offloads || b.MTU > settings.MaxXDPMTU) {
			return string(settings.TUN)
		}
	}
	return string(settings.XDP)
}
