package reference

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// Limits and defaults of a Config.
const (
	DefaultMTU          = 1500    // octets of inner packet
	DefaultSocketBuffer = 4 << 20 // octets, each for sending and for receiving
	DefaultWorkers      = 2       // of the pool engine, each direction

	minMTU = 576 // RFC 791: what every IPv4 host must accept
	maxMTU = maxRunOctets - wire.HeaderLen

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
	SocketBuffer int            // bytes; 0 is DefaultSocketBuffer
	// ExtraProcs lets Run raise GOMAXPROCS by 2 while it runs, which is a setting of
	// the whole process. A goroutine that sleeps in a system call keeps its processor
	// for up to 10 ms, until the runtime's monitor takes it away; with fewer processors
	// than sleeping directions the other direction could not wake up. It does not make
	// the process use more cores: those are what its affinity says.
	ExtraProcs bool
}

// Peer is the other end of one tunnel.
type Peer struct {
	ID       uint32         // of the tunnel, the same on both ends; not wire.ControlTunnel
	Endpoint netip.AddrPort // the only address from which datagrams come, in Listen's family
	Prefixes []netip.Prefix // of the hosts behind it: packets to them go to the peer, and only packets from them come from it
}

// Defaults is a Config with every switch as the figures say it should be for a kind of port
// (docs/how-it-got-fast.md); Dev, Listen and Peers are left to fill in.
func Defaults(port PortKind) Config {
	return Config{
		Port: port, Yield: port == XDP, MTU: DefaultMTU, Engine: RunToCompletion, Workers: DefaultWorkers,
		GSO: true, GRO: true, Offloads: true, Pooling: true, SocketBuffer: DefaultSocketBuffer,
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
		return c, WrongField("port", "%q: want %s or %s", c.Port, TUN, XDP)
	case c.Engine != RunToCompletion && c.Engine != Pool:
		return c, WrongField("engine", "%q: want %s or %s", c.Engine, RunToCompletion, Pool)
	case c.Workers < 1 || c.Workers > maxWorkers:
		return c, WrongField("workers", "%d: want 1 to %d", c.Workers, maxWorkers)
	case c.Dev == "" || len(c.Dev) > maxDevName || strings.ContainsAny(c.Dev, "/: \t\n%"):
		return c, WrongField("dev", "%q: want an interface name of 1 to %d characters", c.Dev, maxDevName)
	case c.MTU < minMTU || c.MTU > maxMTU:
		return c, WrongField("mtu", "%d: want %d to %d", c.MTU, minMTU, maxMTU)
	case c.Port == XDP && c.MTU > MaxXDPMTU:
		return c, WrongField("mtu", "%d: want at most %d on an XDP port", c.MTU, MaxXDPMTU)
	case c.SocketBuffer < 0 || c.SocketBuffer > maxSocketBuffer:
		return c, WrongField("socket_buffer", "%d: want 0 (default) to %d octets", c.SocketBuffer, maxSocketBuffer)
	case slices.ContainsFunc(c.CPUs, func(cpu int) bool { return cpu < 0 }):
		return c, WrongField("cpus", "%v: a core has no negative number", c.CPUs)
	}
	if err := validateAddress(c.Listen); err != nil {
		return c, &FieldError{"listen", err}
	}
	return c, c.validatePeers()
}

// FieldError says which field of a Config is wrong, in the words of its file,
// so that who has read them from one can name the line: "mtu", "peers[1].id".
type FieldError struct {
	Field string
	Err   error
}

// Error is one line.
func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }

// Unwrap is the fault itself.
func (e *FieldError) Unwrap() error { return e.Err }

// WrongField is a FieldError with a text of its own.
func WrongField(field, format string, args ...any) *FieldError {
	return &FieldError{field, fmt.Errorf(format, args...)}
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

// MaxXDPMTU is the longest inner packet, in octets, that an XDP port takes: what a slot of 4096
// octets has room for behind the kernel's headroom and an Ethernet header.
const MaxXDPMTU = 4096 - 256 - ethernetLen

// PeerField names a field of one of the peers.
func PeerField(index int, field string) string { return fmt.Sprintf("peers[%d].%s", index, field) }

func (c Config) validatePeers() error {
	if len(c.Peers) == 0 || len(c.Peers) > maxPeers {
		return WrongField("peers", "%d of them: want 1 to %d", len(c.Peers), maxPeers)
	}
	ids := make(map[uint32]int, len(c.Peers))
	var prefixes bart.Table[int]
	for i, p := range c.Peers {
		if err := c.validatePeer(i, p); err != nil {
			return err
		}
		if other, twice := ids[p.ID]; twice {
			return WrongField(PeerField(i, "id"), "%d is that of %s already", p.ID, PeerField(other, "id"))
		}
		ids[p.ID] = i
		for _, prefix := range p.Prefixes {
			if at, other, overlaps := overlap(&prefixes, prefix); overlaps {
				return WrongField(PeerField(i, "prefixes"), "%s overlaps %s of %s", prefix, at, PeerField(other, "prefixes"))
			}
			prefixes.Insert(prefix, i)
		}
	}
	return nil
}

// overlap is one of the prefixes that contains p or is in it.
func overlap(prefixes *bart.Table[int], p netip.Prefix) (at netip.Prefix, peer int, found bool) {
	for at, peer := range prefixes.Supernets(p) {
		return at, peer, true
	}
	for at, peer := range prefixes.Subnets(p) {
		return at, peer, true
	}
	return at, 0, false
}

func (c Config) validatePeer(i int, p Peer) error {
	switch err := validateAddress(p.Endpoint); {
	case p.ID == wire.ControlTunnel:
		return WrongField(PeerField(i, "id"), "%d is reserved for control frames; choose another", p.ID)
	case err != nil:
		return &FieldError{PeerField(i, "endpoint"), err}
	case p.Endpoint.Addr().Is4() != c.Listen.Addr().Is4():
		return WrongField(PeerField(i, "endpoint"), "%s: want the same address family as %s, where this end listens", p.Endpoint, c.Listen)
	case p.Endpoint == c.Listen:
		return WrongField(PeerField(i, "endpoint"), "%s is this end itself: a tunnel has two", p.Endpoint)
	case len(p.Prefixes) == 0:
		return WrongField(PeerField(i, "prefixes"), "want at least one: without, nothing may come from the peer")
	}
	for _, prefix := range p.Prefixes {
		switch {
		case !prefix.IsValid():
			return WrongField(PeerField(i, "prefixes"), "%s is no prefix", prefix)
		case prefix.Addr().Is4In6():
			return WrongField(PeerField(i, "prefixes"), "%s: write IPv4 as such", prefix)
		case prefix != prefix.Masked():
			return WrongField(PeerField(i, "prefixes"), "%s has bits behind its length: write %s", prefix, prefix.Masked())
		}
	}
	return nil
}
