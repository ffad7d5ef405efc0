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
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
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
