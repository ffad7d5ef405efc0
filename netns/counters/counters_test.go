package counters

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestSince(t *testing.T) {
	t.Parallel()
	a, b, gone := Place{"left", "lan", rxDropped}, Place{"right", "", "udp rcvbuf"}, Place{"left", "tun0", rxDropped}
	fresh, quiet, backlog := Place{"left", "tun1", txDropped}, Place{"left", "tun1", "qdisc"}, Place{Device: "cpu1", Kind: "backlog"}
	before := Snapshot{a: 5, b: 7, gone: 3, backlog: 1}
	after := Snapshot{a: 9, b: 7, fresh: 2, quiet: 0, backlog: 3}
	want := rfc2544.Drops{
		{Device: "cpu1", Kind: "backlog", Also: true, Frames: 2},
		{Node: "left", Device: "lan", Kind: rxDropped, Frames: 4},
		{Node: "left", Device: "tun1", Kind: txDropped, Frames: 2},
	}
	if diff := cmp.Diff(want, after.Since(before)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The other ends of the links count the frames that the tester's ports dropped.
func TestSinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		topology netns.Topology
		want     []Place
	}{
		{"wire", netns.Wire(netns.Plan{}), []Place{{"tester", "port1", txDropped}, {"tester", "port0", txDropped}}},
		{"dual", netns.Dual(netns.Plan{}), []Place{{"left", "lan", txDropped}, {"right", "lan", txDropped}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Sinks(c.topology)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseMIB(t *testing.T) {
	t.Parallel()
	mib, err := parseMIB("Ip: Forwarding InDiscards\nIp: 1 12\nTcp: MaxConn\nTcp: -1\nUdp6RcvbufErrors   \t44\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"IpForwarding": 1, "IpInDiscards": 12, "TcpMaxConn": -1, "Udp6RcvbufErrors": 44}
	if diff := cmp.Diff(want, mib); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseMIBRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text string }{
		{"too few values", "Ip: A B\nIp: 1\n"}, {"no values", "Ip: A\n"}, {"an empty line for values", "Ip: A\n\n"},
		{"no number", "Ip: A\nIp: x\n"}, {"a name alone", "Udp6NoPorts\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if mib, err := parseMIB(c.text); err == nil {
				t.Errorf("%v, want an error", mib)
			}
		})
	}
}

func TestCountProtocolsCountsOnce(t *testing.T) {
	t.Parallel()
	all := Snapshot{}
	countProtocols(all, "right", map[string]int64{"UdpInErrors": 12, "UdpRcvbufErrors": 10})
	want := Snapshot{{"right", "", "udp rcvbuf"}: 10, {"right", "", "udp errors"}: 2}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCountBacklogs(t *testing.T) {
	t.Parallel()
	all := Snapshot{}
	row := func(dropped, cpu string) string {
		return "0000000e " + dropped + strings.Repeat(" 00000000", 10) + " " + cpu + " 00000000 00000000\n"
	}
	if err := countBacklogs(all, row("000000ff", "00000000")+row("00000001", "0000000a")); err != nil {
		t.Fatal(err)
	}
	want := Snapshot{{"", "cpu0", "backlog"}: 255, {"", "cpu10", "backlog"}: 1}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{"too few columns": "0 0\n", "not hexadecimal": row("x", "0")} {
		if err := countBacklogs(all, text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Several counters count a frame that is dropped because the receiver's ring or backlog is full.
// The sum must contain the frame once.
func TestVethDropsCountOnce(t *testing.T) {
	t.Parallel()
	port0, leftLAN, leftWAN, rightWAN := device{"tester", "port0"}, device{"left", "lan"}, device{"left", "wan"}, device{"right", "wan"}
	all := Snapshot{}
	devStats{txDropped: 100, driver: map[string]int64{"tx_queue_0_xdp_xmit_errors": 100, "peer_ifindex": 7}}.count(all, port0, true)
	devStats{rxDropped: 103, driver: map[string]int64{"rx_queue_0_drops": 1, "rx_queue_1_drops": 2, "rx_queue_0_xdp_drops": 4}}.count(all, leftLAN, false)
	all.settleVeth(port0, leftLAN, true)
	devStats{rxDropped: 50}.count(all, rightWAN, false)
	devStats{txDropped: 51}.count(all, leftWAN, false)
	devStats{txDropped: 51, stacked: true}.count(all, device{"left", "vxlan0"}, false)
	all.settleVeth(leftWAN, rightWAN, false)
	if all[leftLAN.place("queue_drops")] != 3 || all[leftLAN.place("xdp_drops")] != 4 {
		t.Errorf("queues are not summed: %v", all)
	}
	drops := all.Since(Snapshot{})
	if want := int64(100 + 3 + 4 + 51); drops.Sum() != want {
		t.Errorf("sum %d of %v, want %d", drops.Sum(), drops, want)
	}
}
