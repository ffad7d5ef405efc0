package reference

import (
	"net/netip"
	"strings"
	"testing"
)

func goodConfig() Config {
	c := Defaults()
	c.Dev, c.Tunnel = "tun0", 7
	c.Local = netip.MustParseAddrPort("192.0.2.1:5000")
	c.Peer = netip.MustParseAddrPort("192.0.2.2:5000")
	return c
}

func TestConfig(t *testing.T) {
	addr := netip.MustParseAddrPort
	cases := []struct {
		name   string
		change func(*Config)
		want   string // part of the error; "" if it is fine
	}{
		{"defaults", func(*Config) {}, ""},
		{"zero values", func(c *Config) { c.MTU, c.SocketBuffer = 0, 0 }, ""},
		{"IPv6", func(c *Config) { c.Local, c.Peer = addr("[2001:db8::1]:1"), addr("[2001:db8::2]:1") }, ""},
		{"no dev", func(c *Config) { c.Dev = "" }, "dev"},
		{"long dev", func(c *Config) { c.Dev = "sixteen-letters-" }, "dev"},
		{"dev pattern", func(c *Config) { c.Dev = "tun%d" }, "dev"},
		{"small mtu", func(c *Config) { c.MTU = minMTU - 1 }, "mtu"},
		{"large mtu", func(c *Config) { c.MTU = maxMTU + 1 }, "mtu"},
		{"control tunnel", func(c *Config) { c.Tunnel = ControlTunnel }, "tunnel id"},
		{"buffer", func(c *Config) { c.SocketBuffer = -1 }, "socket buffer"},
		{"cpus", func(c *Config) { c.CPUs = []int{0, -1} }, "cpus"},
		{"no local", func(c *Config) { c.Local = netip.AddrPort{} }, "local"},
		{"any local", func(c *Config) { c.Local = addr("0.0.0.0:1") }, "local"},
		{"group peer", func(c *Config) { c.Peer = addr("224.0.0.1:1") }, "peer"},
		{"no port", func(c *Config) { c.Peer = addr("192.0.2.2:0") }, "port"},
		{"zone", func(c *Config) { c.Peer = addr("[fe80::1%eth0]:1") }, "zone"},
		{"mapped", func(c *Config) { c.Peer = addr("[::ffff:192.0.2.2]:1") }, "192.0.2.2"},
		{"two families", func(c *Config) { c.Peer = addr("[2001:db8::2]:1") }, "both"},
		{"itself", func(c *Config) { c.Peer = c.Local }, "two ends"},
	}
	for _, c := range cases {
		cfg := goodConfig()
		c.change(&cfg)
		err := cfg.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: error %q, want one line with %q", c.name, err, c.want)
		}
	}
}
