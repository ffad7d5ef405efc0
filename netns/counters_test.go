package netns

import (
	"maps"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	before := Counters{"a": 5, "b": 7, "gone": 3}
	after := Counters{"a": 9, "b": 7, "new": 2, "still": 0}
	if got, want := Diff(before, after), (Counters{"a": 4, "new": 2}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestParseMIB(t *testing.T) {
	mib, err := parseMIB("Ip: Forwarding InDiscards\nIp: 1 12\nTcp: MaxConn\nTcp: -1\nUdp6RcvbufErrors   \t44\n")
	want := map[string]int64{"IpForwarding": 1, "IpInDiscards": 12, "TcpMaxConn": -1, "Udp6RcvbufErrors": 44}
	if err != nil || !maps.Equal(mib, want) {
		t.Errorf("%v, %v, want %v", mib, err, want)
	}
	for _, text := range []string{"Ip: A B\nIp: 1\n", "Ip: A\n", "Ip: A\n\n", "Ip: A\nIp: x\n", "Udp6NoPorts\n"} {
		if mib, err := parseMIB(text); err == nil {
			t.Errorf("%q: %v, want an error", text, mib)
		}
	}
}

func TestCountProtocolsCountsOnce(t *testing.T) {
	c := Counters{}
	countProtocols(c, "right", map[string]int64{"UdpInErrors": 12, "UdpRcvbufErrors": 10})
	if want := (Counters{"right udp rcvbuf": 10, "right udp errors": 2}); !maps.Equal(c, want) {
		t.Errorf("%v, want %v", c, want)
	}
}

func TestCountBacklogs(t *testing.T) {
	c := Counters{}
	row := func(dropped, cpu string) string {
		return "0000000e " + dropped + strings.Repeat(" 00000000", 10) + " " + cpu + " 00000000 00000000\n"
	}
	if err := countBacklogs(c, row("000000ff", "00000000")+row("00000001", "0000000a")); err != nil {
		t.Fatal(err)
	}
	if want := (Counters{"cpu0 backlog": 255, "cpu10 backlog": 1}); !maps.Equal(c, want) {
		t.Errorf("%v, want %v", c, want)
	}
	for _, text := range []string{"0 0\n", row("x", "0")} {
		if err := countBacklogs(c, text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// A frame that finds the receiver's ring or backlog full shows in several
// places; in a sum it may be there once.
func TestVethDropsCountOnce(t *testing.T) {
	c := Counters{}
	devStats{txDropped: 100, driver: map[string]int64{"tx_queue_0_xdp_xmit_errors": 100, "peer_ifindex": 7}}.count(c, "tester:port0", true)
	devStats{rxDropped: 103, driver: map[string]int64{"rx_queue_0_drops": 1, "rx_queue_1_drops": 2, "rx_queue_0_xdp_drops": 4}}.count(c, "left:lan", false)
	c.settleVeth("tester:port0", "left:lan", true)
	devStats{rxDropped: 50}.count(c, "right:wan", false)
	devStats{txDropped: 51}.count(c, "left:wan", false)
	devStats{txDropped: 51, stacked: true}.count(c, "left:vxlan0", false)
	c.settleVeth("left:wan", "right:wan", false)
	if c["left:lan queue_drops"] != 3 || c["left:lan xdp_drops"] != 4 {
		t.Errorf("queues are not summed: %v", c)
	}
	var sum int64
	for name, n := range c {
		if !Repeats(name) {
			sum += n
		}
	}
	if want := int64(100 + 3 + 4 + 51); sum != want {
		t.Errorf("sum %d of %v, want %d", sum, c, want)
	}
}
