package reference

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// site is a tunnel and two hosts with addresses of both IP versions: the ends themselves with TUN devices, hosts
// behind them with XDP ports.
type site struct {
	ends  [2]*end
	hosts [2]*end
	addrs [2][2]string // of each IP version, of each host
}

// onBothPorts runs a test with each kind of port. before is called for each tunnel before it runs.
func onBothPorts(t *testing.T, before func(i int, tunnel *Tunnel), test func(t *testing.T, s site)) {
	testenv.NetAdmin(t)
	for _, kind := range []settings.PortKind{settings.TUN, settings.XDP} {
		t.Run(string(kind), func(t *testing.T) {
			s := site{ends: newEnds(t, 1600)}
			s.hosts, s.addrs = s.ends, [2][2]string{{"198.18.0.1", "198.18.0.2"}, {"fd00::1", "fd00::2"}}
			if kind == settings.XDP {
				s.addrs = [2][2]string{{"10.1.0.2", "10.2.0.2"}, {"fd00:1::2", "fd00:2::2"}}
				for i, e := range s.ends {
					s.hosts[i] = e.hosts(t, overVeth, i+1, 1)[0]
				}
			}
			i := 0
			startWith(t, s.ends, underlay4, func(c *settings.Config) {
				if kind == settings.XDP {
					c.Port, c.Dev = settings.XDP, "lan"
				}
			}, func(tunnel *Tunnel) { before(i, tunnel); i++ })
			if kind == settings.TUN {
				for i, e := range s.ends {
					e.inside(t, func() error { return configure("tun0", s.addrs[1][i]+"/64") })
				}
			}
			test(t, s)
		})
	}
}

func untouched(int, *Tunnel) {}

// pair opens a socket on each host.
func (s site) pair(t *testing.T, version, number int) (a, b *net.UDPConn) {
	t.Helper()
	return s.hosts[0].listen(t, at(s.addrs[version][0], number)), s.hosts[1].listen(t, at(s.addrs[version][1], number))
}

// TestPeerRestartsWithItsClockBehind checks that an end whose sequence numbers are far below the other end's
// window is heard again soon, and that this is counted.
func TestPeerRestartsWithItsClockBehind(t *testing.T) {
	for name, newest := range map[string]uint64{"an hour": uint64(time.Now().Add(time.Hour).UnixNano()), "for ever": 1<<64 - 1} {
		t.Run(name, func(t *testing.T) {
			future := func(i int, tunnel *Tunnel) {
				if i == 1 {
					tunnel.peers.all()[0].window.Accept(newest) // the clock of the other end was ahead before
				}
			}
			onBothPorts(t, future, func(t *testing.T, s site) {
				a, b := s.pair(t, 0, 9000)
				meet(t, a, b)
				exchange(t, a, b, 500)
				exchange(t, b, a, 500)
				counted := delivered(t, s.ends[1].tunnel, 500)
				if counted.Decap.Drops[stats.DropOld] == 0 || counted.Peers[0].Restarts != 1 {
					t.Errorf("decap %v, peer %+v: want some old and 1 restart", counted.Decap, counted.Peers[0])
				}
			})
		})
	}
}

// TestExtensionHeadersPass sends TCP with IPv6 extension headers, which the kernel puts into super-packets.
func TestExtensionHeadersPass(t *testing.T) {
	const hopOptions, routingHeader, destinationOptions = 54, 57, 59 // IPV6_HOPOPTS, IPV6_RTHDR, IPV6_DSTOPTS of linux/in6.h
	padding := "\x00\x00\x01\x04\x00\x00\x00\x00"
	long := "\x00\x0c\x1e\x64" + string(make([]byte, 100)) // an unknown option of 100 bytes, which receivers skip
	for name, options := range map[string][]socketOption{
		"destination options": {{syscall.IPPROTO_IPV6, destinationOptions, padding}},
		"long options":        {{syscall.IPPROTO_IPV6, destinationOptions, long}},
		"hop-by-hop options":  {{syscall.IPPROTO_IPV6, hopOptions, padding}},
		"both":                {{syscall.IPPROTO_IPV6, hopOptions, padding}, {syscall.IPPROTO_IPV6, destinationOptions, long}},
	} {
		t.Run(name, func(t *testing.T) {
			onBothPorts(t, untouched, func(t *testing.T, s site) {
				a, b := s.pair(t, 1, 9000)
				meet(t, a, b)
				transfer(t, s.hosts[0], s.hosts[1], at(s.addrs[1][1], 80), 3_000_000, options...)
				for i, e := range s.ends {
					if counted := e.tunnel.Stats(); counted.Encap.Drops[stats.DropOffload] > 0 {
						t.Errorf("end %d: %v", i, counted.Encap)
					}
				}
			})
		})
	}
}

// TestFragmentsPass sends datagrams that the hosts have to fragment.
func TestFragmentsPass(t *testing.T) {
	onBothPorts(t, untouched, func(t *testing.T, s site) {
		for version := range s.addrs {
			a, b := s.pair(t, version, 9000)
			meet(t, a, b)
			rng := rand.New(rand.NewPCG(1, 1))
			for range 20 {
				sendWhole(t, a, b, 2000+rng.IntN(20000))
				sendWhole(t, b, a, 2000+rng.IntN(20000))
			}
		}
	})
}

// sendWhole sends one datagram of n bytes, which must arrive whole.
func sendWhole(t *testing.T, from, to *net.UDPConn, n int) {
	t.Helper()
	if _, err := from.WriteTo(make([]byte, n), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	to.SetReadDeadline(time.Now().Add(30 * time.Second))
	got, err := to.Read(make([]byte, 1<<16))
	if err != nil || got != n {
		t.Fatalf("%d bytes of %d arrived: %v", got, n, err)
	}
}

// TestPathMTUDips lowers the underlay's MTU below the datagrams and raises it again while packets flow. Every
// packet must arrive, whole or in fragments.
func TestPathMTUDips(t *testing.T) {
	onBothPorts(t, untouched, func(t *testing.T, s site) {
		a, b := s.pair(t, 0, 9000)
		meet(t, a, b)
		for _, mtu := range []int{1600, 1400, 576, 1600} {
			for _, e := range s.ends {
				e.onLink(t, "wan", func(l netlink.Link) error { return netlink.LinkSetMTU(l, mtu) })
			}
			exchange(t, a, b, 1000)
			exchange(t, b, a, 1000)
		}
	})
}

// TestUnderlayAddressGoesAndComes removes an end's underlay address for a while.
func TestUnderlayAddressGoesAndComes(t *testing.T) {
	onBothPorts(t, untouched, func(t *testing.T, s site) {
		a, b := s.pair(t, 0, 9000)
		meet(t, a, b)
		addr, err := netlink.ParseAddr(netip.MustParseAddrPort(underlay4[0]).Addr().String() + "/24")
		if err != nil {
			t.Fatal(err)
		}
		s.ends[0].onLink(t, "wan", func(l netlink.Link) error { return netlink.AddrDel(l, addr) })
		for range 50 { // these are lost
			if _, err := a.WriteTo([]byte("into nothing"), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		s.ends[0].onLink(t, "wan", func(l netlink.Link) error { return netlink.AddrAdd(l, addr) })
		meet(t, a, b)
		exchange(t, a, b, 500)
		exchange(t, b, a, 500)
	})
}
