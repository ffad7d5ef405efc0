// Package settings describes one end of a reference tunnel and says what is wrong with a description.
package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gaissmai/bart"

	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Limits and defaults of a Config.
const (
	DefaultMTU          = 1500    // bytes of inner packet
	DefaultSocketBuffer = 4 << 20 // bytes, for sending and for receiving each
	DefaultWorkers      = 2       // workers of the pool engine for each direction

	// MaxPeers is the maximum number of peers.
	MaxPeers = 1 << 16

	// MaxDatagram is the largest UDP payload over IPv6 in bytes. It also fits into IPv4.
	MaxDatagram = 65535 - 40 - 8

	minMTU = 576 // every IPv4 host must accept such a packet (RFC 791)
	maxMTU = MaxDatagram - wire.HeaderLen

	maxSocketBuffer = 1 << 30 // the kernel doubles the value and stores it in an int
	maxDevName      = 15      // IFNAMSIZ - 1
	maxWorkers      = 64
)

// PortKind is the kind of a LAN port.
type PortKind string

// The kinds of ports.
const (
	TUN PortKind = "tun" // a new TUN device; the kernel routes packets to it
	XDP PortKind = "xdp" // AF_XDP on an existing LAN interface, bypassing the kernel's routing
)

// EngineKind says how goroutines are assigned to the stages of a direction.
type EngineKind string

// The kinds of engines.
const (
	RunToCompletion EngineKind = "run"  // one thread for each direction runs all stages
	Pool            EngineKind = "pool" // workers process batches in parallel; the order is restored after them
)

// Config describes one end of a tunnel, or of several tunnels.
type Config struct {
	Port         PortKind       // empty: TUN
	Dev          string         // the TUN interface to create, or the LAN interface for XDP
	MTU          int            // of inner packets, in bytes; 0 is DefaultMTU
	Listen       netip.AddrPort // underlay address and port of this end; sealed: also 0.0.0.0, [::] (both families) and port 0 (any)
	Peers        []Peer         // at least one
	Engine       EngineKind     // empty: RunToCompletion
	Workers      int            // of the pool engine, for each direction; 0 is DefaultWorkers
	CPUs         []int          // cores for encap and decap, in this order; a single core serves both; nil: not pinned
	GSO          bool           // send runs of datagrams as one message (UDP_SEGMENT), if the kernel supports it
	GRO          bool           // receive runs of datagrams as one message (UDP_GRO), if the kernel supports it
	Offloads     bool           // TUN: read and write super-packets (IFF_VNET_HDR, TSO, USO), if the kernel supports it
	Yield        bool           // yield the core after each full batch (sched_yield(2))
	Pooling      bool           // reuse buffers; false allocates buffers for each batch, to measure the cost
	SocketBuffer int            // bytes; 0 is DefaultSocketBuffer
	// Private is the key of this end. A tunnel with a key seals its packets as WireGuard does; the zero value is
	// the plain format.
	Private wireguard.PrivateKey
	// Secrets is told what opens each session of a sealed tunnel; nil: nobody is.
	Secrets func(wireguard.Secrets)
	// ControlSocket is where wg(8) finds a sealed tunnel, and where any is told to read its file again; empty: nowhere.
	// New leaves it to its caller.
	ControlSocket string
	// ExtraProcs lets Run raise GOMAXPROCS, a setting of the whole process, by 2 while it runs. A goroutine
	// that sleeps in a system call keeps its processor (P) for up to 10 ms, until the runtime's monitor
	// takes it away. With fewer processors than sleeping directions, the other direction could not wake
	// up. The process does not use more cores: its CPU affinity limits them.
	ExtraProcs bool
}

// Peer is the other end of one tunnel.
type Peer struct {
	ID       uint32         // tunnel id, the same on both ends; not wire.ControlTunnel. Sealed: not on the wire
	Endpoint netip.AddrPort // the only accepted source of datagrams, in the address family of Listen. Sealed: zero until the peer calls, and follows it
	Prefixes []netip.Prefix // inner addresses behind the peer: the destinations routed to it, and the only sources accepted from it

	// Of a sealed tunnel.
	Public    wireguard.PublicKey
	Preshared wireguard.PresharedKey // zero: none
	Keepalive time.Duration          // between messages to a peer that is silent, for the sake of a NAT; 0: none
}

// Sealed reports whether the tunnel seals its packets.
func (c Config) Sealed() bool { return c.Private != wireguard.PrivateKey{} }

// Datagram returns the greatest length of a datagram, in bytes. Peers may pad beyond the MTU.
func (c Config) Datagram() int {
	if c.Sealed() {
		return wireguard.MinDataLen + (c.MTU+wireguard.Pad)&^wireguard.Pad
	}
	return wire.HeaderLen + c.MTU
}

// Defaults returns the fastest switches for a kind of port, as measured in docs/how-it-got-fast.md. The
// caller fills in Dev, Listen and Peers.
func Defaults(port PortKind) Config {
	return Config{
		Port: port, Yield: port == XDP, MTU: DefaultMTU, Engine: RunToCompletion, Workers: DefaultWorkers,
		GSO: true, GRO: true, Offloads: true, Pooling: true, SocketBuffer: DefaultSocketBuffer,
	}
}

// Validate returns an error of one line if c is not valid.
func (c Config) Validate() error {
	_, err := c.Complete()
	return err
}

// Complete replaces zero values by their defaults and validates the result.
func (c Config) Complete() (Config, error) {
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
		return c, WrongField("socket_buffer", "%d: want 0 (default) to %d bytes", c.SocketBuffer, maxSocketBuffer)
	case slices.ContainsFunc(c.CPUs, func(cpu int) bool { return cpu < 0 }):
		return c, WrongField("cpus", "%v: core numbers are not negative", c.CPUs)
	}
	if c.Datagram() > MaxDatagram {
		return c, WrongField("mtu", "%d: want at most %d in a sealed tunnel", c.MTU, (MaxDatagram-wireguard.MinDataLen)&^wireguard.Pad)
	}
	if err := c.validateControlSocket(); err != nil {
		return c, &FieldError{"control_socket", err}
	}
	if err := c.validateListen(); err != nil {
		return c, &FieldError{"listen", err}
	}
	return c, c.validatePeers()
}

// FieldError says which field of a Config is wrong. Field is the field's path in the configuration file,
// such as "mtu" or "peers[1].id", so that a caller can find the line.
type FieldError struct {
	Field string
	Err   error
}

// Error returns "field: reason" in one line.
func (e *FieldError) Error() string { return fmt.Sprintf("%s: %v", e.Field, e.Err) }

// Unwrap returns the error without the field.
func (e *FieldError) Unwrap() error { return e.Err }

// WrongField returns a FieldError with a formatted reason.
func WrongField(field, format string, args ...any) *FieldError {
	return &FieldError{field, fmt.Errorf(format, args...)}
}

// ControlSocketAt returns the ControlSocket that a text stands for: the one where wg(8) looks if it is empty, and none
// if it is off.
func ControlSocketAt(text, dev string) string {
	switch text {
	case "":
		return "/var/run/wireguard/" + dev + ".sock"
	case "off":
		return ""
	}
	return text
}

// maxSocketPath is the length of sun_path less its last byte (unix(7)).
const maxSocketPath = 107

func (c Config) validateControlSocket() error {
	switch path := c.ControlSocket; {
	case path == "":
	case path[0] != '/' || len(path) > maxSocketPath:
		return fmt.Errorf("%q: want a path from / on of at most %d characters, or off", path, maxSocketPath)
	}
	return nil
}

// validateListen checks the address of this end. A sealed one may be any address, with any port: whoever opens a
// message proves who it is, and the peer follows this end.
func (c Config) validateListen() error {
	a := c.Listen
	if c.Sealed() && a.IsValid() {
		if a.Addr().IsUnspecified() {
			return nil
		}
		a = netip.AddrPortFrom(a.Addr(), max(1, a.Port()))
	}
	return validateAddress(a)
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

// ethernetLen is the length of an Ethernet header without tags.
const ethernetLen = 14

// MaxXDPMTU is the longest inner packet of an XDP port, in bytes: a slot of 4096 bytes less the kernel's
// headroom and an Ethernet header.
const MaxXDPMTU = 4096 - 256 - ethernetLen

// PeerField returns the path of a peer's field, such as "peers[1].id".
func PeerField(index int, field string) string { return fmt.Sprintf("peers[%d].%s", index, field) }

func (c Config) validatePeers() error {
	if len(c.Peers) == 0 || len(c.Peers) > MaxPeers {
		return WrongField("peers", "%d peers: want 1 to %d", len(c.Peers), MaxPeers)
	}
	ids := make(map[uint32]int, len(c.Peers))
	var prefixes bart.Table[int]
	for i, p := range c.Peers {
		if err := c.validatePeer(i, p); err != nil {
			return err
		}
		if other, twice := ids[p.ID]; twice {
			return WrongField(PeerField(i, "id"), "%d is already the id of %s", p.ID, PeerField(other, "id"))
		}
		ids[p.ID] = i
		for _, prefix := range p.Prefixes {
			if at, other, overlaps := overlap(&prefixes, prefix); overlaps && (at == prefix || !c.Sealed()) {
				return WrongField(PeerField(i, "prefixes"), "%s overlaps %s of %s", prefix, at, PeerField(other, "prefixes"))
			}
			prefixes.Insert(prefix, i)
		}
	}
	if c.Sealed() {
		return c.validateKeys()
	}
	return nil
}

// overlap returns a prefix that contains p or is contained in p, and its peer. found is false if there is
// none.
func overlap(prefixes *bart.Table[int], p netip.Prefix) (at netip.Prefix, peer int, found bool) {
	if peer, twice := prefixes.Get(p); twice {
		return p, peer, true
	}
	for at, peer := range prefixes.Supernets(p) {
		return at, peer, true
	}
	for at, peer := range prefixes.Subnets(p) {
		return at, peer, true
	}
	return at, 0, false
}

// MaxKeepalive is the greatest Peer.Keepalive.
const MaxKeepalive = 65535 * time.Second

// validateKeys checks what peers of a sealed tunnel need.
func (c Config) validateKeys() error {
	keys, own := make(map[wireguard.PublicKey]int, len(c.Peers)), c.Private.Public()
	for i, p := range c.Peers {
		if other, twice := keys[p.Public]; twice {
			return WrongField(PeerField(i, "public_key"), "%v is already the key of %s", p.Public, PeerField(other, "public_key"))
		}
		keys[p.Public] = i
		if err := validateKey(i, p, own); err != nil {
			return err
		}
	}
	return nil
}

func validateKey(i int, p Peer, own wireguard.PublicKey) error {
	switch {
	case p.Public == wireguard.PublicKey{}:
		return WrongField(PeerField(i, "public_key"), "want the peer's public key")
	case p.Public == own:
		return WrongField(PeerField(i, "public_key"), "%v is this end's own: want the peer's", p.Public)
	case p.Public.Weak():
		return &FieldError{PeerField(i, "public_key"), wireguard.ErrWeakKey}
	case p.Keepalive != 0 && p.Keepalive < time.Second || p.Keepalive > MaxKeepalive:
		return WrongField(PeerField(i, "keepalive"), "%v: want 1 to 65535 seconds, or 0 for none", p.Keepalive)
	}
	return nil
}

// CheckPeer checks a peer that is to join a sealed tunnel of c while it runs. own is the tunnel's public key. The
// error is not about a field of a file.
func (c Config) CheckPeer(p Peer, own wireguard.PublicKey) error {
	err := validateKey(0, p, own)
	if err == nil {
		err = c.validateEndpoint(0, p)
	}
	if field := (*FieldError)(nil); errors.As(err, &field) {
		return field.Err
	}
	return err
}

// validateEndpoint checks where a peer is. A sealed one may be anywhere: it tells its endpoint when it calls.
func (c Config) validateEndpoint(i int, p Peer) error {
	if c.Sealed() && p.Endpoint == (netip.AddrPort{}) {
		return nil
	}
	any6 := c.Listen.Addr() == netip.IPv6Unspecified() // such a socket takes IPv4 too (ipv6(7), IPV6_V6ONLY)
	switch err := validateAddress(p.Endpoint); {
	case err != nil:
		return &FieldError{PeerField(i, "endpoint"), err}
	case p.Endpoint.Addr().Is4() != c.Listen.Addr().Is4() && !any6:
		return WrongField(PeerField(i, "endpoint"), "%s: want the address family of this end's listen address %s", p.Endpoint, c.Listen)
	case p.Endpoint == c.Listen:
		return WrongField(PeerField(i, "endpoint"), "%s is the listen address of this end", p.Endpoint)
	}
	return nil
}

func (c Config) validatePeer(i int, p Peer) error {
	if p.ID == wire.ControlTunnel {
		return WrongField(PeerField(i, "id"), "%d is reserved for control frames; choose another", p.ID)
	}
	if err := c.validateEndpoint(i, p); err != nil {
		return err
	}
	if len(p.Prefixes) == 0 {
		return WrongField(PeerField(i, "prefixes"), "want at least one: without a prefix, no packet from the peer is accepted")
	}
	return validatePrefixes(i, p)
}

func validatePrefixes(i int, p Peer) error {
	for _, prefix := range p.Prefixes {
		switch {
		case !prefix.IsValid():
			return WrongField(PeerField(i, "prefixes"), "%s is not a prefix", prefix)
		case prefix.Addr().Is4In6():
			return WrongField(PeerField(i, "prefixes"), "%s: write it as an IPv4 prefix", prefix)
		case prefix != prefix.Masked():
			return WrongField(PeerField(i, "prefixes"), "%s has host bits set: write %s", prefix, prefix.Masked())
		}
	}
	return nil
}
