package reference

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Limits and defaults of a Config.
const (
	DefaultMTU          = 1500    // octets of inner packet
	DefaultSocketBuffer = 4 << 20 // octets, each for sending and for receiving

	minMTU = 576 // RFC 791: what every IPv4 host must accept
	maxMTU = maxRunOctets - HeaderLen

	maxSocketBuffer = 1 << 30 // the kernel doubles the value and keeps it in an int
	maxDevName      = 15      // IFNAMSIZ - 1
)

// Config describes one end of a tunnel.
type Config struct {
	Dev          string         // name of the TUN interface to create
	MTU          int            // of that interface, in octets; 0 is DefaultMTU
	Local        netip.AddrPort // underlay address and port of this end
	Peer         netip.AddrPort // and of the other one, in the same address family
	Tunnel       uint32         // tunnel id, the same on both ends; not ControlTunnel
	GSO          bool           // send runs of datagrams as one (UDP_SEGMENT), where the kernel can
	GRO          bool           // receive runs of datagrams as one (UDP_GRO), where the kernel can
	CPUs         []int          // cores for encap and decap, in this order, reused from the start if one; nil: not pinned
	SocketBuffer int            // octets; 0 is DefaultSocketBuffer
}

// Defaults is a Config with every switch as the figures say it should be; Dev,
// Local, Peer and Tunnel are left to fill in.
func Defaults() Config {
	return Config{MTU: DefaultMTU, GSO: true, GRO: true, SocketBuffer: DefaultSocketBuffer}
}

// Validate tells in one line what is wrong with c.
func (c Config) Validate() error {
	_, err := c.complete()
	return err
}

// complete fills in what zero stands for and validates the result.
func (c Config) complete() (Config, error) {
	if c.MTU == 0 {
		c.MTU = DefaultMTU
	}
	if c.SocketBuffer == 0 {
		c.SocketBuffer = DefaultSocketBuffer
	}
	switch {
	case c.Dev == "" || len(c.Dev) > maxDevName || strings.ContainsAny(c.Dev, "/: \t\n%"):
		return c, fmt.Errorf("dev %q: want an interface name of 1 to %d characters", c.Dev, maxDevName)
	case c.MTU < minMTU || c.MTU > maxMTU:
		return c, fmt.Errorf("mtu %d: want %d to %d", c.MTU, minMTU, maxMTU)
	case c.Tunnel == ControlTunnel:
		return c, fmt.Errorf("tunnel id %d: reserved for control frames; choose another", c.Tunnel)
	case c.SocketBuffer < 0 || c.SocketBuffer > maxSocketBuffer:
		return c, fmt.Errorf("socket buffer %d: want 0 (default) to %d octets", c.SocketBuffer, maxSocketBuffer)
	case slices.ContainsFunc(c.CPUs, func(cpu int) bool { return cpu < 0 }):
		return c, fmt.Errorf("cpus %v: a core has no negative number", c.CPUs)
	}
	return c, c.validateAddresses()
}

func (c Config) validateAddresses() error {
	for _, a := range []struct {
		name string
		addr netip.AddrPort
	}{{"local", c.Local}, {"peer", c.Peer}} {
		ip := a.addr.Addr()
		switch {
		case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast():
			return fmt.Errorf("%s address %q: want one host's address and a port", a.name, a.addr)
		case ip.Is4In6():
			return fmt.Errorf("%s address %s: write IPv4 as %s", a.name, a.addr, ip.Unmap())
		case ip.Zone() != "":
			return fmt.Errorf("%s address %s: zones are not supported; use a global or unique local address", a.name, a.addr)
		case a.addr.Port() == 0:
			return fmt.Errorf("%s address %s: want a port other than 0", a.name, a.addr)
		}
	}
	switch {
	case c.Local.Addr().Is4() != c.Peer.Addr().Is4():
		return fmt.Errorf("local address %s and peer %s: want both IPv4 or both IPv6", c.Local, c.Peer)
	case c.Local == c.Peer:
		return fmt.Errorf("local address and peer are both %s: a tunnel has two ends", c.Local)
	}
	return nil
}
