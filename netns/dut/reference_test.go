package dut

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/netns"
)

func TestBestPort(t *testing.T) {
	for name, c := range map[string]struct {
		topology netns.Topology
		mtu      int
		want     string
	}{
		"frames":        {netns.Dual(netns.Plan{}), 1500, "xdp"},
		"jumbo frames":  {netns.Dual(netns.Plan{LANMTU: 9000}), 9000, "tun"},
		"super-packets": {netns.Hosts(netns.Plan{}, nil), 1500, "tun"},
	} {
		b := Env{Net: &netns.Net{Topology: c.topology}, MTU: c.mtu}
		if got := b.bestPort(); got != c.want {
			t.Errorf("%s: port %s, want %s", name, got, c.want)
		}
	}
}
