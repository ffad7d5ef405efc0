package counters

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

func buildNet(t *testing.T, topology netns.Topology) *netns.Net {
	t.Helper()
	n := must[*netns.Net](t)(netns.Build(t.Context(), topology, netns.Options{}))
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// eventually polls until the condition is true. what describes the condition for the error.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	const limit, pause = 30 * time.Second, 5 * time.Millisecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %v for %s", limit, what)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func listenUDP(t *testing.T, ns *netns.NS, addr netip.Addr) *net.UDPConn {
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
	return c
}

func portOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func TestCountersSeeDrops(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, netns.Dual(netns.Plan{}))
	left := listenUDP(t, n.NS(netns.Left), netns.LeftWAN.Addr())
	full := listenUDP(t, n.NS(netns.Right), netns.RightWAN.Addr())
	if err := full.SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	closed := listenUDP(t, n.NS(netns.Right), netns.RightWAN.Addr())
	nobody := portOf(closed)
	closed.Close()

	before := must[Snapshot](t)(Read(n))
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
	var diff rfc2544.Drops
	eventually(t, "the datagrams to be dropped", func() bool {
		diff = must[Snapshot](t)(Read(n)).Since(before)
		return diff.At("right udp no_port") == 1
	})
	if got := diff.At("right udp rcvbuf"); got == 0 || got >= sent {
		t.Errorf("right udp rcvbuf: %d of %d: want most, not all", got, sent)
	}
	if diff.At("left ip out_no_routes") != 1 {
		t.Errorf("left ip out_no_routes: %d, want 1", diff.At("left ip out_no_routes"))
	}
	if diff.At("right udp errors") != 0 {
		t.Errorf("right udp errors: %d: counted a second time", diff.At("right udp errors"))
	}
	for _, place := range []Place{
		{"left", "lan", "rx_dropped"}, {"right", "wan", "xdp_drops"}, {"tester", "port0", "xdp_xmit_errors"}, {"left", "wan", "qdisc"},
		{"left", "", "ip out_discards"}, {"right", "", "udp6 rcvbuf"},
	} {
		if _, ok := before[place]; !ok {
			t.Errorf("no counter %v", place)
		}
	}
	if _, ok := before[Place{"tester", "port1", "xdp_drops"}]; ok {
		t.Error("what the ledger takes from a port is counted as lost")
	}
}

// flood sends about a million XDP frames per second out of port0 for the time d.
func flood(t *testing.T, ns *netns.NS, frame []byte, d time.Duration) {
	t.Helper()
	err := ns.Do(func() error {
		port, err := net.InterfaceByName(netns.Port0)
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
			for { // repeat, because the first signal may arrive before RunLive has started
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

// Three counters count a frame that is dropped at a full ring. The sum must contain it once.
func TestDropsBalanceAtAFullRing(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, netns.Dual(netns.Plan{}))
	// With threaded NAPI, the node left receives frames more slowly than this thread sends them.
	if err := n.NS(netns.Left).WriteSysfs("class/net/lan/threaded", "1"); err != nil {
		t.Fatal(err)
	}
	frame := make([]byte, 60) // addressed to left, with the type IPv4, but with an invalid IP header
	copy(frame, netns.LeftLANMAC[:])
	frame[12] = 0x08
	before := must[Snapshot](t)(Read(n))
	stats := must[map[string]devStats](t)(readDevices(n.NS(netns.Tester)))
	flood(t, n.NS(netns.Tester), frame, 100*time.Millisecond)

	var diff rfc2544.Drops
	var sum, sent int64
	eventually(t, "every frame to be counted once", func() bool {
		diff = must[Snapshot](t)(Read(n)).Since(before)
		now := must[map[string]devStats](t)(readDevices(n.NS(netns.Tester)))
		sum, sent = diff.Sum(), 0
		for _, key := range []string{"tx_queue_0_xdp_xmit", "tx_queue_0_xdp_xmit_errors"} {
			sent += now[netns.Port0].driver[key] - stats[netns.Port0].driver[key]
		}
		return sent > 0 && sum == sent
	})
	if diff.At("tester:port0 tx_dropped") == 0 || diff.At("tester:port0 tx_dropped") != diff.At("tester:port0 xdp_xmit_errors") {
		t.Errorf("the ring was never full, or is miscounted: %v", diff)
	}
	if diff.At("left ip in_header_errors") == 0 {
		t.Errorf("no frame passed the ring: %v", diff)
	}
}

// The protocol counters of a relay are not read, because the kernel drops only copies there.
func TestRelaysHaveNoProtocolCounters(t *testing.T) {
	testenv.NetAdmin(t)
	all := must[Snapshot](t)(Read(buildNet(t, netns.Inline(netns.Plan{}))))
	if _, there := all[Place{"left", "", "ip in_discards"}]; there {
		t.Error("left ip in_discards is counted")
	}
	for _, place := range []Place{{"left", "lan0", "tx_dropped"}, {"left", "lan1", "tx_dropped"}, {"tester", "", "ip in_discards"}} {
		if _, there := all[place]; !there {
			t.Errorf("%v is not counted", place)
		}
	}
}
