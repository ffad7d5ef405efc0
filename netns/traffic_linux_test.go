package netns

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
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

// flood sends XDP frames out of port0, about a million a second, for a while.
func flood(t *testing.T, ns *NS, frame []byte, d time.Duration) {
	t.Helper()
	err := ns.Do(func() error {
		port, err := net.InterfaceByName(Port0)
		if err != nil {
			return err
		}
		program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
			asm.Mov.Imm(asm.R1, int32(port.Index)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call(), asm.Return(),
		}})
		if err != nil {
			return err
		}
		defer program.Close()
		thread, done := sys.Thread(), make(chan struct{})
		defer close(done)
		go func() {
			time.Sleep(d)
			for { // the first signal may come before the run has begun
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					sys.Interrupt(thread)
				}
			}
		}()
		if err := sys.RunLive(program.FD(), frame, 64); !errors.Is(err, syscall.EINTR) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The kernel shows a frame lost at a full ring three times; Counters may not.
func TestCountersBalanceAtAFullRing(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	// Left's kernel thread takes frames slower than this thread sends them.
	if err := n.NS(Left).WriteSysfs("class/net/lan/threaded", "1"); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 60) // for left, and not IP, whatever its type says
	copy(frame, LeftLANMAC[:])
	frame[12] = 0x08
	before := must[Counters](t)(n.Counters())
	stats := must[map[string]devStats](t)(n.NS(Tester).devStats())
	flood(t, n.NS(Tester), frame, 100*time.Millisecond)

	var diff Counters
	var sum, sent int64
	eventually(t, "every frame to be counted once", func() bool {
		diff = Diff(before, must[Counters](t)(n.Counters()))
		now := must[map[string]devStats](t)(n.NS(Tester).devStats())
		sum, sent = 0, 0
		for _, key := range []string{"tx_queue_0_xdp_xmit", "tx_queue_0_xdp_xmit_errors"} {
			sent += now[Port0].driver[key] - stats[Port0].driver[key]
		}
		for name, drops := range diff {
			if !Repeats(name) {
				sum += drops
			}
		}
		return sent > 0 && sum == sent
	})
	if diff["tester:port0 tx_dropped"] == 0 || diff["tester:port0 tx_dropped"] != diff["tester:port0 xdp_xmit_errors"] {
		t.Errorf("the ring was never full, or is miscounted: %v", diff)
	}
	if diff["left ip in_header_errors"] == 0 {
		t.Errorf("no frame passed the ring: %v", diff)
	}
}
