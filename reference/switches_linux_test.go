package reference

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// withHost puts a host behind an end. The host routes nothing itself:
//
//	eth0 10.n.0.2, fd00:n::2 --- lan 10.n.0.1, fd00:n::1 | end
func withHost(t *testing.T, e *end, n int) *end {
	t.Helper()
	ns, err := sys.NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	host := &end{ns: ns}
	e.inside(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "lan"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns.Fd())})
	})
	e.inside(t, func() error { return configure("lan", fmt.Sprintf("10.%d.0.1/24", n), fmt.Sprintf("fd00:%d::1/64", n)) })
	host.inside(t, func() error {
		if err := configure("eth0", fmt.Sprintf("10.%d.0.2/24", n), fmt.Sprintf("fd00:%d::2/64", n)); err != nil {
			return err
		}
		for _, via := range []string{fmt.Sprintf("10.%d.0.1", n), fmt.Sprintf("fd00:%d::1", n)} {
			if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(via)}); err != nil {
				return fmt.Errorf("default route by %s: %w", via, err)
			}
		}
		return nil
	})
	return host
}

// meet sends in both directions until something arrives: the first packets only trigger the resolution of
// Ethernet addresses.
func meet(t *testing.T, a, b *net.UDPConn) {
	t.Helper()
	into := make([]byte, 1)
	for _, way := range [][2]*net.UDPConn{{a, b}, {b, a}} {
		for try := 0; ; try++ {
			if _, err := way[0].WriteTo([]byte{0}, way[1].LocalAddr()); err != nil {
				t.Fatal(err)
			}
			way[1].SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := way[1].Read(into); err == nil {
				break
			}
			if try == 400 {
				t.Fatalf("nothing came from %v to %v", way[0].LocalAddr(), way[1].LocalAddr())
			}
		}
		for { // read the remaining packets
			way[1].SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := way[1].Read(into); err != nil {
				break
			}
		}
	}
}

// switches returns all valid combinations of a Config's switches for a kind of port.
func switches(port settings.PortKind) (all []settings.Config) {
	for bits := range 1 << 6 {
		on := func(i int) bool { return bits>>i&1 == 1 }
		c := settings.Defaults(port)
		c.ExtraProcs = true
		c.GSO, c.GRO, c.Pooling, c.Offloads = on(0), on(1), on(2), on(5)
		c.Yield = on(0) != on(2)
		if on(3) {
			c.Engine = settings.Pool
		}
		if on(4) {
			c.CPUs = []int{0}
		}
		if port == settings.XDP && c.Offloads {
			continue
		}
		all = append(all, c)
	}
	return all
}

func nameOf(c settings.Config) string {
	var on []string
	for name, is := range map[string]bool{"gso": c.GSO, "gro": c.GRO, "pooling": c.Pooling, "offloads": c.Offloads, "pin": c.CPUs != nil} {
		if is {
			on = append(on, name)
		}
	}
	return fmt.Sprintf("%s/%s/%s", c.Port, c.Engine, strings.Join(on, "+"))
}

// TestEverySwitch checks that the same packets pass with every combination of switches.
func TestEverySwitch(t *testing.T) {
	testenv.NetAdmin(t)
	for _, port := range []settings.PortKind{settings.TUN, settings.XDP} {
		ends := newEnds(t, 1600)
		hosts := [2]*end{withHost(t, ends[0], 1), withHost(t, ends[1], 2)}
		for i, switched := range switches(port) {
			t.Run(nameOf(switched), func(t *testing.T) {
				underlay := [...][2]string{underlay4, underlay6}[i/2%2]
				start(t, ends, underlay, func(c *settings.Config) {
					dev, listen, peers := c.Dev, c.Listen, c.Peers
					*c = switched
					c.Dev, c.Listen, c.Peers = dev, listen, peers
					if port == settings.XDP {
						c.Dev = "lan"
					}
				})
				t.Cleanup(func() {
					if t.Failed() {
						for i := range ends {
							t.Logf("end %d: %+v", i, ends[i].tunnel.Stats())
						}
					}
				})
				left, right := sockets(t, port, ends, hosts, i)
				exchange(t, left, right, 1500)
				exchange(t, right, left, 1500)
				for i := range ends {
					s := delivered(t, ends[i].tunnel, 1500)
					s.Decap.Drops[stats.DropNextHop] = 0 // drops during meet
					if s.Decap.Delivered < 1500 || s.Decap.Drops.Sum() > 0 {
						t.Errorf("end %d: decap %v, want at least 1500 delivered and no drop", i, s.Decap)
					}
				}
			})
		}
	}
}

// sockets opens one socket on each side: on the TUN devices themselves, or on the hosts. i chooses the IP
// version.
func sockets(t *testing.T, port settings.PortKind, ends, hosts [2]*end, i int) (left, right *net.UDPConn) {
	t.Helper()
	if port == settings.TUN {
		return ends[0].listen(t, "198.18.0.1:9000"), ends[1].listen(t, "198.18.0.2:9000")
	}
	at := [...][2]string{{"10.1.0.2:9000", "10.2.0.2:9000"}, {"[fd00:1::2]:9000", "[fd00:2::2]:9000"}}[i%2]
	left, right = hosts[0].listen(t, at[0]), hosts[1].listen(t, at[1])
	meet(t, left, right)
	return left, right
}

// failing is a sender that sends until the test makes it fail.
type failing struct {
	sender
	after int
	err   error
}

func (f *failing) send(b *batch, from, to int) (int, int, error) {
	if f.after--; f.after < 0 {
		return 0, b.run(from), f.err
	}
	return f.sender.send(b, from, to)
}

// TestFallsBackInTheMiddle lets GSO, GRO and the TUN device's offloads fail while packets are in flight.
// Every packet must arrive.
func TestFallsBackInTheMiddle(t *testing.T) {
	testenv.NetAdmin(t)
	for name, sabotage := range map[string]func(*Tunnel){
		"gso EIO":    func(t *Tunnel) { c := t.conn.(*udpConn); c.out.fast = &failing{c.out.fast, 5, syscall.EIO} },
		"gso EINVAL": func(t *Tunnel) { c := t.conn.(*udpConn); c.out.fast = &failing{c.out.fast, 5, syscall.EINVAL} },
		"gro":        func(t *Tunnel) { t.conn.(*udpConn).socket.DisableGRO() },
		"vnet_hdr": func(t *Tunnel) {
			l := t.port.(*tunPort).lan.(*offloadTUN)
			l.device = &refusingDevice{device: l.device, after: 3}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ends := newEnds(t, 1600)
			startWith(t, ends, underlay4, func(*settings.Config) {}, sabotage)
			left, right := ends[0].listen(t, "198.18.0.1:9000"), ends[1].listen(t, "198.18.0.2:9000")
			exchange(t, left, right, 5000)
			exchange(t, right, left, 5000)
			for i := range ends {
				if s := ends[i].tunnel.Stats(); s.Decap.Drops.Sum()+s.Encap.Drops.Sum() > 0 {
					t.Errorf("end %d: encap %v, decap %v", i, s.Encap, s.Decap)
				}
			}
		})
	}
}

// acceptingDevice counts joined packets and refuses the first ones.
type acceptingDevice struct {
	refusals, joined, single int
}

func (d *acceptingDevice) ReadParts(first, second []byte) (int, error) { return 0, syscall.EAGAIN }

func (d *acceptingDevice) WriteParts(header []byte, parts [][]byte) error {
	if offload.ParseVirtio(header).GSOType == offload.GSONone {
		d.single++
		return nil
	}
	if d.refusals--; d.refusals >= 0 {
		return syscall.ENOMEM
	}
	d.joined++
	return nil
}

// TestJoiningIsTriedAgain checks that a refused joined packet is not for good.
func TestJoiningIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := &acceptingDevice{refusals: 1}
	l := newOffloadTUN(d, 1500)
	var tally stats.Direction
	for range offload.MinPause + 1 {
		l.write([][]byte{udpPacket(t, 1), udpPacket(t, 2)}, &tally)
	}
	if want := (acceptingDevice{-1, 1, 2 * offload.MinPause}); *d != want || tally.Delivered != 2*(offload.MinPause+1) {
		t.Errorf("%+v, %d delivered; want %+v and %d", *d, tally.Delivered, want, 2*(offload.MinPause+1))
	}
}

func udpPacket(t *testing.T, id uint16) []byte {
	return udpFrame(t, net.HardwareAddr{2, 0, 0, 0, 0, 1}, id, "a payload that needs no padding")[ethernetLen:]
}

// refusingDevice refuses joined packets after some time.
type refusingDevice struct {
	device
	after int
}

func (d *refusingDevice) WriteParts(header []byte, parts [][]byte) error {
	if offload.ParseVirtio(header).GSOType != offload.GSONone {
		if d.after--; d.after < 0 {
			return os.NewSyscallError("writev", syscall.EINVAL)
		}
	}
	return d.device.WriteParts(header, parts)
}

// TestUnknownSourcesGetNothing checks that the socket's filter drops datagrams from unknown sources and that
// the tunnel does not answer them.
func TestUnknownSourcesGetNothing(t *testing.T) {
	testenv.NetAdmin(t)
	ends := newEnds(t, 1600)
	start(t, ends, underlay4, func(*settings.Config) {})
	unknown := ends[1].listen(t, "192.0.2.2:6666")
	to := net.UDPAddrFromAddrPort(ends[0].tunnel.cfg.Listen)
	const forged = 1000
	for i := range forged {
		if _, err := unknown.WriteToUDP(datagram(7, uint64(i), ipPacket(4, 46)), to); err != nil {
			t.Fatalf("forged datagram %d was answered: %v", i, err)
		}
		if i%100 == 99 { // more would not fit into the kernel's backlog while this core is busy
			eventually(t, "the forged datagrams are counted", func() bool { return ends[0].tunnel.Stats().UnknownSource == uint64(i+1) })
		}
	}
	left, right := ends[0].listen(t, "198.18.0.1:9000"), ends[1].listen(t, "198.18.0.2:9000")
	exchange(t, right, left, 500) // after the forged datagrams in the same queue
	s := ends[0].tunnel.Stats()
	if s.UnknownSource != forged || s.Decap.Received > s.Decap.Delivered {
		t.Errorf("%d from unknown sources, decap %v: want %d, and none of them in decap", s.UnknownSource, s.Decap, forged)
	}
	unknown.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, from, err := unknown.ReadFromUDP(make([]byte, 100)); err == nil {
		t.Errorf("an answer of %d bytes from %v", n, from)
	}
}

func TestOpeningSaysWhichField(t *testing.T) {
	testenv.NetAdmin(t)
	ends := newEnds(t, 1600)
	start(t, ends, underlay4, func(*settings.Config) {})
	for name, c := range map[string]struct {
		change func(*settings.Config)
		want   string
	}{
		"port in use":        {func(*settings.Config) {}, "listen: bind 192.0.2.1:7000: address already in use"},
		"somebody's address": {func(c *settings.Config) { c.Listen = netip.MustParseAddrPort("192.0.2.77:7000") }, "listen: bind 192.0.2.77:7000"},
		"no such interface": {func(c *settings.Config) {
			c.Port, c.Dev, c.Listen = settings.XDP, "nowhere", netip.MustParseAddrPort("192.0.2.1:7001")
		}, "dev: nowhere"},
		"too long for the lan": {func(c *settings.Config) {
			c.Port, c.Dev, c.MTU, c.Listen = settings.XDP, "wan", 1601, netip.MustParseAddrPort("192.0.2.1:7001")
		}, "mtu: 1601: wan carries 1600"},
		"a busy tun device":   {func(c *settings.Config) { c.Listen = netip.MustParseAddrPort("192.0.2.1:7001") }, "dev: tun tun0"},
		"xdp on a tun device": {func(c *settings.Config) { c.Port = settings.XDP; c.Listen = netip.MustParseAddrPort("192.0.2.1:7001") }, "dev: tun0 is not Ethernet"},
	} {
		cfg := ends[0].tunnel.cfg
		c.change(&cfg)
		ends[0].inside(t, func() error {
			tunnel, err := New(cfg)
			if err == nil {
				tunnel.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %q, want one line with %q", name, err, c.want)
			}
			return nil
		})
	}
}

// TestTheWorldCanBeStopped checks that goroutines that wait in system calls do not block the garbage
// collector.
func TestTheWorldCanBeStopped(t *testing.T) {
	testenv.NetAdmin(t)
	for _, port := range []settings.PortKind{settings.TUN, settings.XDP} {
		ends := newEnds(t, 1600)
		withHost(t, ends[0], 1)
		withHost(t, ends[1], 2)
		start(t, ends, underlay4, func(c *settings.Config) {
			if c.Port = port; port == settings.XDP {
				c.Dev = "lan"
			}
		})
		collected := make(chan struct{})
		go func() {
			for range 20 {
				runtime.GC()
			}
			close(collected)
		}()
		select {
		case <-collected:
		case <-time.After(time.Minute): // for ever, if it waits at all: no packet comes
			t.Fatalf("%s: the garbage collector waits for a goroutine that waits for a packet", port)
		}
	}
}
