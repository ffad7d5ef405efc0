package reference

import (
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// of returns the parsed prefixes.
func of(prefixes ...string) (all []netip.Prefix) {
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// goodConfig returns an end with two peers.
func goodConfig() settings.Config {
	c := settings.Defaults(settings.TUN)
	c.Dev = "tun0"
	c.Listen = netip.MustParseAddrPort("192.0.2.1:5000")
	c.Peers = []settings.Peer{
		{ID: 7, Endpoint: netip.MustParseAddrPort("192.0.2.2:5000"), Prefixes: of("8.0.0.0/5", "16.0.0.0/8", "::/0")},
		{ID: 8, Endpoint: netip.MustParseAddrPort("192.0.2.3:5000"), Prefixes: of("198.51.100.0/24")},
	}
	return c
}

// ipPacket returns an inner packet of n bytes with the given IP version.
func ipPacket(version byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i)
	}
	if n > 0 {
		p[0] = version<<4 | 5
	}
	return p
}

// datagram returns a payload with a header.
func datagram(tunnel uint32, sequence uint64, payload []byte) []byte {
	d := append(make([]byte, wire.HeaderLen), payload...)
	wire.PutHeader(d, tunnel, sequence)
	return d
}

func TestDropNames(t *testing.T) {
	seen := map[string]stats.Drop{}
	for d := range stats.NumDrops {
		name := d.String()
		if other, twice := seen[name]; name == "" || name == "unknown" || twice {
			t.Errorf("drop %d is called %q, as is %d", d, name, other)
		}
		seen[name] = d
	}
	if stats.NumDrops.String() != "unknown" {
		t.Error("a number without a name must say so")
	}
}
