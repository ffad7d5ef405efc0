package role

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// ParamFormat tells the process of an end that it seals. It belongs to the device, not to its user.
const (
	ParamFormat     = "format"
	FormatWireGuard = "wireguard"
)

const (
	referencePort = 4754
	referenceID   = 1
	maxLabPeers   = 1 << 12
)

// ReferenceConfig returns the tunnel's configuration for the parameters in e, without addresses and
// peers.
func ReferenceConfig(e End) (settings.Config, error) {
	port := settings.TUN
	if value, set := e.Params["port"]; set {
		port = settings.PortKind(value)
	}
	cfg := settings.Defaults(port)
	cfg.ExtraProcs = true // this process runs only the tunnel, so the tunnel may change GOMAXPROCS
	for key, into := range map[string]*bool{"gso": &cfg.GSO, "gro": &cfg.GRO, "offloads": &cfg.Offloads, "yield": &cfg.Yield, "pooling": &cfg.Pooling} {
		if value, set := e.Params[key]; set {
			*into = value == "on"
		}
	}
	if value, set := e.Params["engine"]; set {
		cfg.Engine = settings.EngineKind(value)
	}
	if e.Params["pin"] == "on" {
		cfg.CPUs = e.CPUs
	}
	workers, err := number(e.Params, "workers", cfg.Workers, 64)
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

func runReference(ctx context.Context, e End, ready func() error) error {
	cfg, err := ReferenceConfig(e)
	if err != nil {
		return err
	}
	peers, err := number(e.Params, "peers", 1, maxLabPeers)
	if err != nil {
		return err
	}
	local, peer := e.Local, e.Peer
	if e.Params["underlay"] == "6" {
		local, peer = e.Local6, e.Peer6
	}
	cfg.Dev, cfg.MTU = e.Dev, e.MTU
	cfg.Listen = netip.AddrPortFrom(local, referencePort)
	if e.Params[ParamFormat] == FormatWireGuard {
		if err := seal(&cfg, e, peers); err != nil {
			return err
		}
	} else {
		cfg.Peers = labPeers(e, netip.AddrPortFrom(peer, referencePort), peers)
	}
	if cfg.Port == settings.XDP {
		cfg.Dev = netns.LAN
		ready = func() error { return os.WriteFile(ReadyFile(e.Dir, e.Side), nil, 0o600) }
	}
	t, err := reference.New(cfg)
	if err != nil {
		return err
	}
	defer t.Close()
	if e.Params[ParamFormat] == FormatWireGuard {
		server, err := control(t, e.Side)
		if err != nil {
			return fmt.Errorf("control socket: %w", err)
		}
		defer server.Close()
	}
	setRoleCounters(referenceCounters(t))
	if err := ready(); err != nil {
		return err
	}
	defer func() { s := t.Stats(); fmt.Fprintf(os.Stderr, "encap %v\ndecap %v\n", s.Encap, s.Decap) }()
	return t.Run(ctx)
}

// seal gives an end its keys and n peers. The first one is the other end; the others are never called.
func seal(cfg *settings.Config, e End, n int) error {
	w, err := wireGuardFromEnvironment()
	if err != nil {
		return err
	}
	// Its peer may roam from one family to the other.
	cfg.Private, cfg.Listen = w.Private, netip.AddrPortFrom(netip.IPv6Unspecified(), w.Port)
	cfg.Peers = sealedPeers(e, w, n)
	return nil
}

func sealedPeers(e End, w WireGuard, n int) []settings.Peer {
	peers := labPeers(e, w.Endpoint, 1)
	peers[0].Public, peers[0].Preshared = w.Peer, w.Preshared
	for i := range n - 1 {
		peers = append(peers, settings.Peer{
			ID: referenceID + 1 + uint32(i), Endpoint: w.Endpoint, Public: sha256.Sum256([]byte("idle peer " + strconv.Itoa(i))),
			Prefixes: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)},
		})
	}
	return peers
}

// labPeers returns the n peers of one side. It divides the networks behind the other side among
// the peers in equal parts. The tunnel's own network belongs to the first peer.
func labPeers(e End, endpoint netip.AddrPort, n int) []settings.Peer {
	bits := 0
	for 1<<bits < n {
		bits++
	}
	peers := make([]settings.Peer, n)
	for part := range 1 << bits {
		p := &peers[part%n]
		for _, nets := range []netip.Prefix{e.Nets, e.Nets6} {
			p.Prefixes = append(p.Prefixes, slice(nets, bits, part))
		}
	}
	for i := range peers {
		peers[i].ID, peers[i].Endpoint = referenceID+uint32(i), endpoint
	}
	peers[0].Prefixes = append(peers[0].Prefixes, e.Inner.Masked(), e.Inner6.Masked())
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

var _ = register(Reference, runReference)
