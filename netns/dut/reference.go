package dut

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// The reference tunnel of this project runs one process per side. The datagram format, in bytes:
//
//	outer IPv4 20 | UDP 8 | reference header 18 | inner IP packet
//
// The variants are the same tunnel with other default parameters. The user can change every
// parameter of a variant.
var _ = []Tunnel{
	register(variant(referenceRole, "the project's reference tunnel, a process per side: AF_XDP for frames, TUN for hosts' super-packets", nil)),
	register(variant("reference-tun", "the same with a TUN device as LAN port", map[string]string{"port": "tun"})),
	register(variant("reference-xdp", "the same with an AF_XDP socket on the LAN interface as port", map[string]string{"port": "xdp"})),
	register(variant("reference-pool", "the same with a pool of workers", map[string]string{"engine": "pool", "port": "tun"})),
	register(sealed(variant("reference-wg", "the reference tunnel in WireGuard's format: AF_XDP for frames, TUN for hosts' super-packets", map[string]string{paramFormat: formatWireGuard}))),
	register(sealed(variant("reference-wg-tun", "the same with a TUN device as LAN port", map[string]string{paramFormat: formatWireGuard, "port": "tun"}))),
	register(sealed(variant("reference-wg-xdp", "the same with an AF_XDP socket on the LAN interface as port", map[string]string{paramFormat: formatWireGuard, "port": "xdp"}))),
}

// paramFormat tells the process of an end that it seals. It belongs to the device, not to its user.
const (
	paramFormat     = "format"
	formatWireGuard = "wireguard"
)

// sealed makes a variant one in WireGuard's format.
func sealed(t Tunnel) Tunnel {
	t.Order, t.Kind, t.Protocol, t.Overhead, t.Scales = 45, Sealed, wireGuardProtocol, wireGuardOverhead, ""
	delete(t.Params, "peers")
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
			"pin": onOff, "pooling": onOff, "gso": onOff, "gro": onOff, "offloads": onOff, "yield": onOff, "underlay": {"4", "6"},
		},
		Check: func(values map[string]string) error {
			_, err := referenceConfig(end{params: values})
			return err
		},
		Probe: probeTUN, Builtin: true, Scales: "peers",
		Up: func(ctx context.Context, b Env) (*Session, error) {
			params := map[string]string{"port": b.bestPort()}
			maps.Copy(params, preset)
			maps.Copy(params, b.Params)
			b.Params = params
			return b.startReference(ctx)
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

// startReference runs both sides of the reference tunnel. With a TUN device it starts them like
// any other tunnel. With an AF_XDP socket on the LAN interface there is no tunnel interface to
// configure. Each side then creates a file when it is ready.
func (b Env) startReference(ctx context.Context) (*Session, error) {
	cfg, err := referenceConfig(end{params: b.Params})
	if err != nil {
		return nil, err
	}
	if cfg.Port == settings.TUN {
		return b.startSelf(ctx, referenceRole)
	}
	self, err := b.self()
	if err != nil {
		return nil, err
	}
	for _, s := range sides {
		if err := os.Remove(readyFile(b.Dir, s.node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	ready := func(s side) (bool, error) {
		_, err := os.Stat(readyFile(b.Dir, s.node))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	return b.launch(ctx, ready, self, roleWord, referenceRole)
}

func readyFile(dir, side string) string { return filepath.Join(dir, "ready-"+side) }

const (
	referenceRole = "reference"
	referencePort = 4754
	referenceID   = 1
	maxLabPeers   = 1 << 12
)

// referenceConfig returns the tunnel's configuration for the parameters in e. The caller adds
// the addresses and the peers.
func referenceConfig(e end) (settings.Config, error) {
	port := settings.TUN
	if value, set := e.params["port"]; set {
		port = settings.PortKind(value)
	}
	cfg := settings.Defaults(port)
	cfg.ExtraProcs = true // this process runs only the tunnel, so the tunnel may change GOMAXPROCS
	for key, into := range map[string]*bool{"gso": &cfg.GSO, "gro": &cfg.GRO, "offloads": &cfg.Offloads, "yield": &cfg.Yield, "pooling": &cfg.Pooling} {
		if value, set := e.params[key]; set {
			*into = value == "on"
		}
	}
	if value, set := e.params["engine"]; set {
		cfg.Engine = settings.EngineKind(value)
	}
	if e.params["pin"] == "on" {
		cfg.CPUs = e.cpus
	}
	workers, err := number(e.params, "workers", cfg.Workers, 64)
	cfg.Workers = workers
	return cfg, err
}

// number returns the value of an integer parameter from 1 to most, or standard if the parameter
// is not set.
func number(params map[string]string, key string, standard, most int) (int, error) {
	value, set := params[key]
	if !set {
		return standard, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s=%s: want a number from 1 to %d", key, value, most)
	}
	return n, nil
}

func runReference(ctx context.Context, e end, ready func() error) error {
	cfg, err := referenceConfig(e)
	if err != nil {
		return err
	}
	peers, err := number(e.params, "peers", 1, maxLabPeers)
	if err != nil {
		return err
	}
	local, peer := e.local, e.peer
	if e.params["underlay"] == "6" {
		local, peer = e.local6, e.peer6
	}
	cfg.Dev, cfg.MTU = e.dev, e.mtu
	cfg.Listen = netip.AddrPortFrom(local, referencePort)
	cfg.Peers = labPeers(e.side, netip.AddrPortFrom(peer, referencePort), peers)
	if e.params[paramFormat] == formatWireGuard {
		if err := sealLab(&cfg, e); err != nil {
			return err
		}
	}
	if cfg.Port == settings.XDP {
		cfg.Dev = netns.LAN
		ready = func() error { return os.WriteFile(readyFile(e.dir, e.side), nil, 0o600) }
	}
	t, err := reference.New(cfg)
	if err != nil {
		return err
	}
	defer t.Close()
	setRoleCounters(referenceCounters(t))
	if err := ready(); err != nil {
		return err
	}
	defer func() { s := t.Stats(); fmt.Fprintf(os.Stderr, "encap %v\ndecap %v\n", s.Encap, s.Decap) }()
	return t.Run(ctx)
}

// sealLab gives an end its keys and those of its peer.
func sealLab(cfg *settings.Config, e end) error {
	own, peer, err := wireGuardKeys(e)
	if err != nil {
		return err
	}
	cfg.Private, cfg.Peers[0].Public = wireguard.PrivateKey(own.Bytes()), wireguard.PublicKey(peer.Bytes())
	cfg.Listen = netip.AddrPortFrom(cfg.Listen.Addr(), wireGuardPort)
	cfg.Peers[0].Endpoint = netip.AddrPortFrom(cfg.Peers[0].Endpoint.Addr(), wireGuardPort)
	return nil
}

// labPeers returns the n peers of one side. It divides the networks behind the other side among
// the peers in equal parts.
func labPeers(thisSide string, endpoint netip.AddrPort, n int) []settings.Peer {
	near, far := sides[0], sides[1]
	if thisSide == far.node {
		near, far = far, near
	}
	bits := 0
	for 1<<bits < n {
		bits++
	}
	peers := make([]settings.Peer, n)
	for part := range 1 << bits {
		p := &peers[part%n]
		for _, nets := range []netip.Prefix{near.ip4.nets, near.ip6.nets} {
			p.Prefixes = append(p.Prefixes, slice(nets, bits, part))
		}
	}
	for i := range peers {
		peers[i].ID, peers[i].Endpoint = referenceID+uint32(i), endpoint
	}
	peers[0].Prefixes = append(peers[0].Prefixes, host(far.ip4.own), host(far.ip6.own))
	return peers
}

// slice divides a prefix into 2^bits equal parts and returns the part with the given number,
// counted from 0.
func slice(p netip.Prefix, bits, part int) netip.Prefix {
	addr, length := p.Addr().AsSlice(), p.Bits()+bits
	for i := range bits {
		if part>>(bits-1-i)&1 == 1 {
			at := p.Bits() + i
			addr[at/8] |= 0x80 >> (at % 8)
		}
	}
	a, _ := netip.AddrFromSlice(addr)
	return netip.PrefixFrom(a, length)
}

func host(p netip.Prefix) netip.Prefix { return netip.PrefixFrom(p.Addr(), p.Addr().BitLen()) }

var _ = registerRole(referenceRole, runReference)
