package reference

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// onLink calls change with the end's interface of that name.
func (e *end) onLink(t *testing.T, name string, change func(netlink.Link) error) {
	t.Helper()
	e.inside(t, func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return change(link)
	})
}

// TestAddressesAreFollowed checks that the host of an XDP port answers for addresses that it got while the
// tunnel runs, of any of its interfaces, and no longer for addresses that it lost.
func TestAddressesAreFollowed(t *testing.T) {
	ends, hosts := twoLANs(t, overVeth, 1)
	host := hosts[0][0]
	for _, limit := range []string{"net/ipv4/icmp_ratelimit", "net/ipv6/icmp/ratelimit"} {
		ends[0].sysctl(t, limit, "0") // otherwise silence can be the limit's
	}
	for _, c := range []struct{ dev, prefix string }{
		{"lan", "10.1.0.77/24"}, {"lan", "fd00:1::77/64"}, {"lan", "10.77.0.1/32"}, {"lo", "10.78.0.1/32"}, {"lo", "fd00:78::1/128"},
	} {
		if c.dev == "lo" {
			ends[0].onLink(t, "lo", netlink.LinkSetUp)
		}
		addr := netip.MustParsePrefix(c.prefix).Addr()
		if c.dev == "lo" {
			before := ends[0].tunnel.Stats().Encap.Received
			eventually(t, c.prefix+" is the tunnel's while it is nobody's", func() bool {
				answers(t, host, addr)
				return ends[0].tunnel.Stats().Encap.Received > before
			})
		}
		ends[0].inside(t, func() error { return configure(c.dev, c.prefix) })
		eventually(t, c.prefix+" answers", func() bool { return answers(t, host, addr) })
		ends[0].onLink(t, c.dev, func(link netlink.Link) error {
			a, err := netlink.ParseAddr(c.prefix)
			return errors.Join(err, netlink.AddrDel(link, a))
		})
		eventually(t, c.prefix+" is silent", func() bool { return !answers(t, host, addr) })
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// answers reports whether the kernel of addr answers a datagram to a closed port by an ICMP error.
func answers(t *testing.T, host *end, addr netip.Addr) bool {
	t.Helper()
	var conn *net.UDPConn
	host.inside(t, func() (err error) {
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9)))
		return err
	})
	defer conn.Close()
	if _, err := conn.Write([]byte("anyone")); err != nil {
		return false
	}
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := conn.Read(make([]byte, 10))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestChangesAreFollowed changes the interface, its routes and its hosts while packets flow. After each
// change packets must pass again.
func TestChangesAreFollowed(t *testing.T) {
	ends, hosts := twoLANs(t, overBridge, 2)
	far := hosts[1][0]
	steps := []struct {
		name   string
		change func(t *testing.T)
		host   int
		addr   string
	}{
		{"nothing", func(*testing.T) {}, 0, "10.1.0.2"},
		{"ethernet address", func(t *testing.T) {
			ends[0].onLink(t, "lan", func(l netlink.Link) error {
				return netlink.LinkSetHardwareAddr(l, net.HardwareAddr{2, 0, 0, 0, 0, 99})
			})
			forget(t, hosts[0][0], "eth0")
		}, 0, "10.1.0.2"},
		{"down and up", func(t *testing.T) {
			ends[0].onLink(t, "lan", func(l netlink.Link) error { return errors.Join(netlink.LinkSetDown(l), netlink.LinkSetUp(l)) })
		}, 0, "10.1.0.2"},
		{"new name", func(t *testing.T) {
			ends[0].onLink(t, "lan", func(l netlink.Link) error {
				return errors.Join(netlink.LinkSetDown(l), netlink.LinkSetName(l, "lan0"), netlink.LinkSetUp(l))
			})
		}, 0, "10.1.0.2"},
		{"new prefix", func(t *testing.T) {
			ends[0].inside(t, func() error { return configure("lan0", "10.3.0.1/24") })
			hosts[0][0].inside(t, func() error { return configure("eth0", "10.3.0.2/24") })
		}, 0, "10.3.0.2"},
		{"route by another host", func(t *testing.T) {
			hosts[0][1].inside(t, func() error { return configure("eth0", "10.4.0.2/32") })
			addRoute(t, ends[0], "lan0", "10.4.0.0/24", "10.1.0.3", 0)
		}, 1, "10.4.0.2"},
		{"a better route", func(t *testing.T) {
			hosts[0][0].inside(t, func() error { return configure("eth0", "10.5.0.2/32") })
			addRoute(t, ends[0], "lan0", "10.5.0.0/24", "10.1.0.2", 5)
			addRoute(t, ends[0], "lan0", "10.5.0.0/24", "10.1.0.3", 50)
		}, 0, "10.5.0.2"},
		{"host with another ethernet address", func(t *testing.T) {
			hosts[0][0].onLink(t, "eth0", func(l netlink.Link) error {
				return netlink.LinkSetHardwareAddr(l, net.HardwareAddr{2, 0, 0, 0, 0, 98})
			})
			forget(t, ends[0], "lan0")
		}, 0, "10.1.0.2"},
	}
	for i, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			s.change(t)
			near, there := hosts[0][s.host].listen(t, at(s.addr, 9000+i)), far.listen(t, at("10.2.0.2", 9000+i))
			meet(t, near, there)
			exchange(t, near, there, 200)
			exchange(t, there, near, 200)
		})
	}
}

// forget removes all learnt neighbours of an interface.
func forget(t *testing.T, e *end, name string) {
	t.Helper()
	e.onLink(t, name, func(link netlink.Link) error {
		all, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_ALL)
		for i := range all {
			_ = netlink.NeighDel(&all[i]) // it may have gone by itself
		}
		return err
	})
}

func addRoute(t *testing.T, e *end, dev, to, via string, metric int) {
	t.Helper()
	e.onLink(t, dev, func(link netlink.Link) error {
		dst, err := netlink.ParseIPNet(to)
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Gw: net.ParseIP(via), Priority: metric})
	})
}

// TestShorterMTUIsCounted checks that packets that an interface no longer carries are counted.
func TestShorterMTUIsCounted(t *testing.T) {
	ends, hosts := twoLANs(t, overVeth, 1)
	near, far := hosts[0][0].listen(t, at("10.1.0.2", 9000)), hosts[1][0].listen(t, at("10.2.0.2", 9000))
	meet(t, near, far)
	ends[0].onLink(t, "lan", func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1300) })
	eventually(t, "a packet of 1,428 bytes is dropped by the port", func() bool {
		far.WriteTo(make([]byte, 1400), near.LocalAddr())
		return ends[0].tunnel.Stats().Decap.Drops[stats.DropPort] > 0
	})
	exchangeSmall(t, near, far)
}

// exchangeSmall sends a small packet each way.
func exchangeSmall(t *testing.T, a, b *net.UDPConn) {
	t.Helper()
	into := make([]byte, 2048)
	for _, way := range [][2]*net.UDPConn{{a, b}, {b, a}} {
		if _, err := way[0].WriteTo([]byte("small"), way[1].LocalAddr()); err != nil {
			t.Fatal(err)
		}
		for n := 0; n != len("small"); {
			way[1].SetReadDeadline(time.Now().Add(30 * time.Second))
			var err error
			if n, err = way[1].Read(into); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOldNeighboursAreConfirmed checks that the kernel is made to ask a neighbour that it has not heard of for
// a while, as it does when it sends packets itself.
func TestOldNeighboursAreConfirmed(t *testing.T) {
	ends, hosts := twoLANs(t, overVeth, 1)
	near, far := hosts[0][0].listen(t, at("10.1.0.2", 9000)), hosts[1][0].listen(t, at("10.2.0.2", 9000))
	meet(t, near, far)
	ip := net.IPv4(10, 1, 0, 2).To4()
	ends[0].onLink(t, "lan", func(l netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: ip, State: netlink.NUD_STALE, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 97}})
	})
	eventually(t, "the wrong address is found and replaced", func() bool {
		far.WriteTo([]byte("hello"), near.LocalAddr())
		near.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, err := near.Read(make([]byte, 10))
		return err == nil && n == 5
	})
}

// TestRemovedInterfaceEndsTheTunnel checks that a tunnel whose interface is removed ends by itself, and says
// why.
func TestRemovedInterfaceEndsTheTunnel(t *testing.T) {
	testenv.NetAdmin(t)
	for _, c := range []struct {
		port settings.PortKind
		lan  lanKind
	}{{settings.TUN, overVeth}, {settings.XDP, overVeth}, {settings.XDP, overBridge}} {
		t.Run(fmt.Sprint(c.port, " ", c.lan), func(t *testing.T) {
			ends := newEnds(t, 1600)
			ends[0].hosts(t, c.lan, 1, 1)
			cfg := settings.Defaults(c.port)
			cfg.ExtraProcs, cfg.Dev, cfg.Listen, cfg.Peers = true, "tun0", netip.MustParseAddrPort(underlay4[0]), onePeer(netip.MustParseAddrPort(underlay4[1]))
			if c.port == settings.XDP {
				cfg.Dev = "lan"
			}
			var tunnel *Tunnel
			ends[0].inside(t, func() (err error) {
				tunnel, err = New(cfg)
				return err
			})
			ended := make(chan error, 1)
			go func() { ended <- tunnel.Run(t.Context()) }()
			ends[0].onLink(t, cfg.Dev, netlink.LinkDel)
			err := wait(t, ended)
			if field := (*settings.FieldError)(nil); !errors.As(err, &field) || field.Field != "dev" {
				t.Errorf("ended with %v, want an error about dev", err)
			}
			if err := tunnel.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOneEventEndsTheXDPPort checks that the event that the follower of the interface raises ends the port,
// whether packets come in by the socket or by an intake. The follower may raise it before the port is complete.
func TestOneEventEndsTheXDPPort(t *testing.T) {
	for _, kind := range lanKinds {
		t.Run(string(kind), func(t *testing.T) {
			testenv.NetAdmin(t)
			e := newEnds(t, 1600)[0]
			e.hosts(t, kind, 1, 1)
			var p *xdpPort
			e.inside(t, func() (err error) {
				p, err = openXDP(settings.Config{Dev: "lan", MTU: 1500})
				return err
			})
			if err := p.stop.Raise(); err != nil {
				t.Error(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- p.read(newBatch(layout{head: wire.HeaderLen, mtu: 1500}, 1)) }()
			if err := wait(t, ended); err != io.EOF {
				t.Errorf("read ended with %v, want EOF", err)
			}
			if err := p.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestIntake checks that a port on a bridge works where settings of the kernel cannot be changed, and that its
// intake has a queue as long as the socket's.
func TestIntake(t *testing.T) {
	testenv.NetAdmin(t)
	e := newEnds(t, 1600)[0]
	e.hosts(t, overBridge, 1, 1)
	var p *xdpPort
	e.inside(t, func() (err error) {
		runtime.LockOSThread() // for good, so that nobody else gets this thread with its mounts
		err = errors.Join(syscall.Unshare(syscall.CLONE_NEWNS), syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("/proc/sys", "/proc/sys", "", syscall.MS_BIND, ""), syscall.Mount("", "/proc/sys", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		if err == nil {
			p, err = openXDP(settings.Config{Dev: "lan", MTU: 1500})
		}
		return err
	})
	defer p.close()
	if p.intake == nil {
		return // before Linux 6.6
	}
	e.onLink(t, p.intake.tun.Name(), func(l netlink.Link) error {
		if got := l.Attrs().TxQLen; got != xdpReceiveSlots {
			t.Errorf("a queue of %d packets, want %d", got, xdpReceiveSlots)
		}
		return nil
	})
}

// TestTUNDownAndUp checks that a tunnel outlives a TUN device that is down for a while.
func TestTUNDownAndUp(t *testing.T) {
	testenv.NetAdmin(t)
	for _, offloads := range []bool{true, false} {
		ends := newEnds(t, 1600)
		start(t, ends, underlay4, func(c *settings.Config) { c.Offloads = offloads })
		near, far := ends[0].listen(t, at("198.18.0.1", 9000)), ends[1].listen(t, at("198.18.0.2", 9000))
		exchange(t, near, far, 100)
		ends[1].onLink(t, "tun0", netlink.LinkSetDown)
		for range 100 { // the far end cannot deliver these
			if _, err := near.WriteTo([]byte("into nothing"), far.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		ends[1].onLink(t, "tun0", netlink.LinkSetUp)
		meet(t, near, far)
		exchange(t, near, far, 100)
		exchange(t, far, near, 100)
	}
}
