package reference

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"
)

// Limits and defaults of a Config.
const (
	DefaultMTU          = 1500    // octets of inner packet
	DefaultSocketBuffer = 4 << 20 // octets, each for sending and for receiving
	DefaultWorkers      = 2       // of the pool engine, each direction

	minMTU = 576 // RFC 791: what every IPv4 host must accept
	maxMTU = maxRunOctets - HeaderLen

	maxSocketBuffer = 1 << 30 // the kernel doubles the value and keeps it in an int
	maxDevName      = 15      // IFNAMSIZ - 1
	maxWorkers      = 64
	maxPeers        = 1 << 16
)

// PortKind is what the LAN side is.
type PortKind string

// The kinds of ports.
const (
	TUN PortKind = "tun" // a TUN device, which is made: the kernel routes packets to it
	XDP PortKind = "xdp" // AF_XDP on a LAN interface that is there: the kernel's routing is left out
)

// EngineKind is how the stages of a direction are run.
type EngineKind string

// The kinds of engines.
const (
	RunToCompletion EngineKind = "run"  // one thread each way runs every stage
	Pool            EngineKind = "pool" // workers check and seal batches in parallel, order is restored behind them
)

// Config describes one end of a tunnel, or of many.
type Config struct {
	Port         PortKind       // empty: TUN
	Dev          string         // the TUN interface to create, or the LAN interface for XDP
	MTU          int            // of inner packets, in octets; 0 is DefaultMTU
	Listen       netip.AddrPort // underlay address and port of this end
	Peers        []Peer         // at least one
	Engine       EngineKind     // empty: RunToCompletion
	Workers      int            // of the pool, each direction; 0 is DefaultWorkers
	CPUs         []int          // cores for encap and decap, in this order, reused from the start if one; nil: not pinned
	GSO          bool           // send runs of datagrams as one (UDP_SEGMENT), where the kernel can
	GRO          bool           // receive runs of datagrams as one (UDP_GRO), where the kernel can
	Offloads     bool           // TUN: take and give super-packets (IFF_VNET_HDR, TSO, USO), where the kernel can
	Yield        bool           // let others have the core after each full batch (sched_yield(2))
	Pooling      bool           // use buffers again; without, each batch has new ones, to see what that costs
	SocketBuffer int            // octets; 0 is DefaultSocketBuffer
}

// Peer is the other end of one tunnel.
type Peer struct {
	ID       uint32         // of the tunnel, the same on both ends; not ControlTunnel
	Endpoint netip.AddrPort // the only address from which datagrams come, in Listen's family
	Prefixes []netip.Prefix // of the hosts behind it: packets to them go to the peer, and only packets from them come from it
}

// Defaults is a Config with every switch as the figures say it should be; Dev,
// Listen and Peers are left to fill in.
func Defaults() Config {
	return Config{
		Port: TUN, MTU: DefaultMTU, Engine: RunToCompletion, Workers: DefaultWorkers,
		GSO: true, GRO: true, Offloads: true, Yield: true, Pooling: true, SocketBuffer: DefaultSocketBuffer,
	}
}

// Validate tells in one line what is wrong with c.
func (c Config) Validate() error {
	_, err := c.complete()
	return err
}

// complete fills in what zero stands for and validates the result.
func (c Config) complete() (Config, error) {
	for value, standard := range map[*int]int{&c.MTU: DefaultMTU, &c.SocketBuffer: DefaultSocketBuffer, &c.Workers: DefaultWorkers} {
		if *value == 0 {
			*value = standard
		}
	}
	if c.Port == "" {
		c.Port = TUN
	}
	if c.Engine == "" {
		c.Engine = RunToCompletion
	}
	switch {
	case c.Port != TUN && c.Port != XDP:
		return c, fmt.Errorf("port %q: want %s or %s", c.Port, TUN, XDP)
	case c.Engine != RunToCompletion && c.Engine != Pool:
		return c, fmt.Errorf("engine %q: want %s or %s", c.Engine, RunToCompletion, Pool)
	case c.Workers < 1 || c.Workers > maxWorkers:
		return c, fmt.Errorf("workers %d: want 1 to %d", c.Workers, maxWorkers)
	case c.Dev == "" || len(c.Dev) > maxDevName || strings.ContainsAny(c.Dev, "/: \t\n%"):
		return c, fmt.Errorf("dev %q: want an interface name of 1 to %d characters", c.Dev, maxDevName)
	case c.MTU < minMTU || c.MTU > maxMTU:
		return c, fmt.Errorf("mtu %d: want %d to %d", c.MTU, minMTU, maxMTU)
	case c.Port == XDP && c.MTU > maxXDPMTU:
		return c, fmt.Errorf("mtu %d: want at most %d on an XDP port", c.MTU, maxXDPMTU)
	case c.SocketBuffer < 0 || c.SocketBuffer > maxSocketBuffer:
		return c, fmt.Errorf("socket buffer %d: want 0 (default) to %d octets", c.SocketBuffer, maxSocketBuffer)
	case slices.ContainsFunc(c.CPUs, func(cpu int) bool { return cpu < 0 }):
		return c, fmt.Errorf("cpus %v: a core has no negative number", c.CPUs)
	}
	if err := validateAddress(c.Listen); err != nil {
		return c, fmt.Errorf("listen: %w", err)
	}
	return c, c.validatePeers()
}

func validateAddress(a netip.AddrPort) error {
	ip := a.Addr()
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast():
		return fmt.Errorf("address %q: want one host's address and a port", a)
	case ip.Is4In6():
		return fmt.Errorf("address %s: write IPv4 as %s", a, ip.Unmap())
	case ip.Zone() != "":
		return fmt.Errorf("address %s: zones are not supported; use a global or unique local address", a)
	case a.Port() == 0:
		return fmt.Errorf("address %s: want a port other than 0", a)
	}
	return nil
}

// maxXDPMTU is what a slot of 4096 octets has room for, behind the kernel's
// headroom and an Ethernet header.
const maxXDPMTU = 4096 - 256 - ethernetLen

// PeerError says which of a Config's peers is wrong, so that who has read them
// from a file can name the line.
type PeerError struct {
	Index int    // in Config.Peers
	Field string // "id", "endpoint" or "prefixes"
	Err   error
}

// Error is one line.
func (e *PeerError) Error() string { return fmt.Sprintf("peer %d: %s: %v", e.Index+1, e.Field, e.Err) }

// Unwrap is the fault itself.
func (e *PeerError) Unwrap() error { return e.Err }

func (c Config) validatePeers() error {
	if len(c.Peers) == 0 || len(c.Peers) > maxPeers {
		return fmt.Errorf("%d peers: want 1 to %d", len(c.Peers), maxPeers)
	}
	ids := make(map[uint32]int, len(c.Peers))
	var prefixes bart.Table[int]
	for i, p := range c.Peers {
		if err := c.validatePeer(p); err != nil {
			return &PeerError{i, err.Field, err.Err}
		}
		if other, twice := ids[p.ID]; twice {
			return &PeerError{i, "id", fmt.Errorf("%d is peer %d's already", p.ID, other+1)}
		}
		ids[p.ID] = i
		for _, prefix := range p.Prefixes {
			for at, other := range prefixes.Supernets(prefix) {
				return &PeerError{i, "prefixes", fmt.Errorf("%s overlaps %s of peer %d", prefix, at, other+1)}
			}
			for at, other := range prefixes.Subnets(prefix) {
				return &PeerError{i, "prefixes", fmt.Errorf("%s overlaps %s of peer %d", prefix, at, other+1)}
			}
			prefixes.Insert(prefix, i)
		}
	}
	return nil
}

func (c Config) validatePeer(p Peer) *PeerError {
	switch err := validateAddress(p.Endpoint); {
	case p.ID == ControlTunnel:
		return &PeerError{Field: "id", Err: fmt.Errorf("%d is reserved for control frames; choose another", p.ID)}
	case err != nil:
		return &PeerError{Field: "endpoint", Err: err}
	case p.Endpoint.Addr().Is4() != c.Listen.Addr().Is4():
		return &PeerError{Field: "endpoint", Err: fmt.Errorf("%s: want the same address family as %s, where this end listens", p.Endpoint, c.Listen)}
	case p.Endpoint == c.Listen:
		return &PeerError{Field: "endpoint", Err: fmt.Errorf("%s is this end itself: a tunnel has two", p.Endpoint)}
	case len(p.Prefixes) == 0:
		return &PeerError{Field: "prefixes", Err: fmt.Errorf("want at least one: without, nothing may come from the peer")}
	}
	for _, prefix := range p.Prefixes {
		switch {
		case !prefix.IsValid():
			return &PeerError{Field: "prefixes", Err: fmt.Errorf("%s is no prefix", prefix)}
		case prefix.Addr().Is4In6():
			return &PeerError{Field: "prefixes", Err: fmt.Errorf("%s: write IPv4 as such", prefix)}
		case prefix != prefix.Masked():
			return &PeerError{Field: "prefixes", Err: fmt.Errorf("%s has bits behind its length: write %s", prefix, prefix.Masked())}
		}
	}
	return nil
}
