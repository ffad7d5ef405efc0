package settings

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// of returns the parsed prefixes.
func of(prefixes ...string) (all []netip.Prefix) {
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func goodConfig() Config {
	c := Defaults(TUN)
	c.Dev = "tun0"
	c.Listen = netip.MustParseAddrPort("192.0.2.1:5000")
	c.Peers = []Peer{
		{ID: 7, Endpoint: netip.MustParseAddrPort("192.0.2.2:5000"), Prefixes: of("8.0.0.0/5", "16.0.0.0/8", "::/0")},
		{ID: 8, Endpoint: netip.MustParseAddrPort("192.0.2.3:5000"), Prefixes: of("198.51.100.0/24")},
	}
	return c
}

func TestConfig(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort
	cases := []struct {
		name   string
		change func(*Config)
		want   string // part of the error; "" if the Config is valid
	}{
		{"defaults", func(*Config) {}, ""},
		{"zero values", func(c *Config) { c.MTU, c.SocketBuffer = 0, 0 }, ""},
		{"xdp", func(c *Config) { c.Port = XDP }, ""},
		{"pool", func(c *Config) { c.Engine = Pool }, ""},
		{"IPv6", func(c *Config) {
			c.Listen, c.Peers[0].Endpoint, c.Peers[1].Endpoint = addr("[2001:db8::1]:1"), addr("[2001:db8::2]:1"), addr("[2001:db8::3]:1")
		}, ""},
		{"port kind", func(c *Config) { c.Port = "tap" }, "port"},
		{"engine", func(c *Config) { c.Engine = "fast" }, "engine"},
		{"workers", func(c *Config) { c.Workers = maxWorkers + 1 }, "workers"},
		{"no dev", func(c *Config) { c.Dev = "" }, "dev"},
		{"long dev", func(c *Config) { c.Dev = "sixteen-letters-" }, "dev"},
		{"dev pattern", func(c *Config) { c.Dev = "tun%d" }, "dev"},
		{"small mtu", func(c *Config) { c.MTU = minMTU - 1 }, "mtu"},
		{"large mtu", func(c *Config) { c.MTU = maxMTU + 1 }, "mtu"},
		{"large mtu for xdp", func(c *Config) { c.Port, c.MTU = XDP, MaxXDPMTU+1 }, "mtu"},
		{"buffer", func(c *Config) { c.SocketBuffer = -1 }, "socket_buffer"},
		{"cpus", func(c *Config) { c.CPUs = []int{0, -1} }, "cpus"},
		{"no listen", func(c *Config) { c.Listen = netip.AddrPort{} }, "listen"},
		{"any listen", func(c *Config) { c.Listen = addr("0.0.0.0:1") }, "listen"},
		{"no peers", func(c *Config) { c.Peers = nil }, "peers"},
		{"control tunnel", func(c *Config) { c.Peers[1].ID = wire.ControlTunnel }, "peers[1].id"},
		{"id twice", func(c *Config) { c.Peers[1].ID = 7 }, "peers[1].id: 7 is already the id of peers[0].id"},
		{"group peer", func(c *Config) { c.Peers[0].Endpoint = addr("224.0.0.1:1") }, "peers[0].endpoint"},
		{"no port", func(c *Config) { c.Peers[0].Endpoint = addr("192.0.2.2:0") }, "port"},
		{"zone", func(c *Config) { c.Peers[0].Endpoint = addr("[fe80::1%eth0]:1") }, "zone"},
		{"mapped", func(c *Config) { c.Peers[0].Endpoint = addr("[::ffff:192.0.2.2]:1") }, "192.0.2.2"},
		{"two families", func(c *Config) { c.Peers[0].Endpoint = addr("[2001:db8::2]:1") }, "family"},
		{"itself", func(c *Config) { c.Peers[0].Endpoint = c.Listen }, "is the listen address of this end"},
		{"no prefixes", func(c *Config) { c.Peers[0].Prefixes = nil }, "prefixes"},
		{"host bits", func(c *Config) { c.Peers[0].Prefixes = of("10.0.0.1/8") }, "write 10.0.0.0/8"},
		{"same prefix", func(c *Config) { c.Peers[0].Prefixes = of("198.51.100.0/24") }, "peers[1].prefixes: 198.51.100.0/24 overlaps"},
		{"shorter prefix", func(c *Config) { c.Peers[0].Prefixes = of("198.51.100.128/25") }, "overlaps 198.51.100.128/25 of peers[0].prefixes"},
		{"longer prefix", func(c *Config) { c.Peers[0].Prefixes = of("198.51.0.0/16") }, "overlaps 198.51.0.0/16 of peers[0].prefixes"},
		{"the same peer's", func(c *Config) { c.Peers[1].Prefixes = of("192.0.2.0/24", "192.0.2.0/25") }, "overlaps"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := goodConfig()
			c.change(&cfg)
			err := cfg.Validate()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
		})
	}
}

// sealed gives the ends of goodConfig keys.
func sealed(c *Config) {
	c.Private = wireguard.PrivateKey{8, 1}
	c.Peers[0].Public, c.Peers[1].Public = wireguard.PrivateKey{8, 2}.Public(), wireguard.PrivateKey{8, 3}.Public()
}

func TestSealedConfig(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort
	cases := []struct {
		name   string
		change func(*Config)
		want   string // part of the error; "" if the Config is valid
	}{
		{"keys", func(*Config) {}, ""},
		{"a peer that calls", func(c *Config) { c.Peers[0].Endpoint = netip.AddrPort{} }, ""},
		{"any IPv4 address", func(c *Config) { c.Listen = addr("0.0.0.0:1") }, ""},
		{"any address", func(c *Config) { c.Listen = addr("[::]:1") }, ""},
		{"any port", func(c *Config) { c.Listen = addr("0.0.0.0:0") }, ""},
		{"any port of an address", func(c *Config) { c.Listen = addr("192.0.2.1:0") }, ""},
		{"both families", func(c *Config) { c.Listen, c.Peers[0].Endpoint = addr("[::]:1"), addr("[2001:db8::2]:1") }, ""},
		{"prefix in another", func(c *Config) { c.Peers[1].Prefixes = of("16.1.0.0/16") }, ""},
		{"keepalive", func(c *Config) { c.Peers[1].Keepalive = 25 * time.Second }, ""},
		{"no listen", func(c *Config) { c.Listen = netip.AddrPort{} }, "listen"},
		{"group", func(c *Config) { c.Listen = addr("224.0.0.1:1") }, "listen"},
		{"two families", func(c *Config) { c.Listen, c.Peers[0].Endpoint = addr("0.0.0.0:1"), addr("[2001:db8::2]:1") }, "family"},
		{"no key", func(c *Config) { c.Peers[1].Public = wireguard.PublicKey{} }, "peers[1].public_key: want"},
		{"own key", func(c *Config) { c.Peers[1].Public = c.Private.Public() }, "is this end's own"},
		{"key twice", func(c *Config) { c.Peers[1].Public = c.Peers[0].Public }, "is already the key of peers[0].public_key"},
		{"key of low order", func(c *Config) { c.Peers[1].Public = wireguard.PublicKey{1} }, "peers[1].public_key: the public key is of low order"},
		{"a short keepalive", func(c *Config) { c.Peers[1].Keepalive = 25 }, "peers[1].keepalive: 25ns: want"},
		{"a long keepalive", func(c *Config) { c.Peers[1].Keepalive = MaxKeepalive + 1 }, "peers[1].keepalive"},
		{"a negative keepalive", func(c *Config) { c.Peers[1].Keepalive = -time.Second }, "peers[1].keepalive"},
		{"prefix twice", func(c *Config) { c.Peers[1].Prefixes = of("16.0.0.0/8") }, "overlaps"},
		{"no prefixes", func(c *Config) { c.Peers[0].Endpoint, c.Peers[0].Prefixes = netip.AddrPort{}, nil }, "peers[0].prefixes"},
		{"large mtu", func(c *Config) { c.MTU = MaxDatagram }, "mtu"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := goodConfig()
			sealed(&cfg)
			c.change(&cfg)
			err := cfg.Validate()
			if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(got, c.want) || strings.Contains(got, "\n")) {
				t.Errorf("error %q, want one line with %q", got, c.want)
			}
		})
	}
}
