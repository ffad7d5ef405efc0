package netns

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func listenUDP(t *testing.T, ns *NS, addr netip.Addr) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	err := ns.Do(func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func portOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func TestUnderlayCarriesDatagrams(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	for _, pair := range [][2]netip.Prefix{{LeftWAN, RightWAN}, {LeftWAN6, RightWAN6}} {
		left := listenUDP(t, n.NS(Left), pair[0].Addr())
		right := listenUDP(t, n.NS(Right), pair[1].Addr())
		for _, way := range [][2]*net.UDPConn{{left, right}, {right, left}} {
			if _, err := way[0].WriteToUDPAddrPort([]byte("ping"), portOf(way[1])); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 16)
			got, from, err := way[1].ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:got]) != "ping" || from.Addr().Unmap() != portOf(way[0]).Addr().Unmap() {
				t.Errorf("%v to %v: %q from %v, %v", portOf(way[0]), portOf(way[1]), buf[:got], from, err)
			}
		}
	}
	if n := receivedPackets(t, n.NS(Tester)); n != 0 {
		t.Errorf("the tester's ports received %d frames that nobody sent", n)
	}
}

func receivedPackets(t *testing.T, ns *NS) uint64 {
	t.Helper()
	var sum uint64
	err := ns.Netlink(func(h *netlink.Handle) error {
		links, err := h.LinkList()
		for _, link := range links {
			sum += link.Attrs().Statistics.RxPackets
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestCountersSeeDrops(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	left := listenUDP(t, n.NS(Left), LeftWAN.Addr())
	full := listenUDP(t, n.NS(Right), RightWAN.Addr())
	if err := full.SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	closed := listenUDP(t, n.NS(Right), RightWAN.Addr())
	nobody := portOf(closed)
	closed.Close()

	before := must[Counters](t)(n.Counters())
	const sent = 64
	for range sent {
		if _, err := left.WriteToUDPAddrPort(make([]byte, 1400), portOf(full)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := left.WriteToUDPAddrPort([]byte("x"), nobody); err != nil {
		t.Fatal(err)
	}
	if _, err := left.WriteToUDPAddrPort([]byte("x"), netip.MustParseAddrPort("203.0.113.1:9")); err == nil {
		t.Fatal("sent where no route leads")
	}
	var diff Counters
	eventually(t, "the datagrams to be dropped", func() bool {
		diff = Diff(before, must[Counters](t)(n.Counters()))
		return diff["right udp no_port"] == 1
	})
	if got := diff["right udp rcvbuf"]; got == 0 || got >= sent {
		t.Errorf("right udp rcvbuf: %d of %d: want most, not all", got, sent)
	}
	if diff["left ip out_no_routes"] != 1 {
		t.Errorf("left ip out_no_routes: %d, want 1", diff["left ip out_no_routes"])
	}
	if diff["right udp errors"] != 0 {
		t.Errorf("right udp errors: %d: counted a second time", diff["right udp errors"])
	}
	for _, name := range []string{"left:lan rx_dropped", "right:wan xdp_drops", "tester:port0 xdp_xmit_errors", "left:wan qdisc", "left ip out_discards", "right udp6 rcvbuf"} {
		if _, ok := before[name]; !ok {
			t.Errorf("no counter %q", name)
		}
	}
	if _, ok := before["tester:port1 xdp_drops"]; ok {
		t.Error("what the ledger takes from a port is counted as lost")
	}
}
