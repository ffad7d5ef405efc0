package reference

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// end is one of two namespaces joined by a veth, with a tunnel between them:
//
//	tun0 198.18.n.1  ==  wan 192.0.2.n, 2001:db8::n  --- veth --- the other end
type end struct {
	ns     *os.File
	tunnel *Tunnel
}

// inside runs fn in the end's namespace.
func (e *end) inside(t *testing.T, fn func() error) {
	t.Helper()
	if err := sys.InNetNS(e.ns, fn); err != nil {
		t.Fatal(err)
	}
}

func newEnds(t *testing.T, wanMTU int) (ends [2]*end) {
	t.Helper()
	for i := range ends {
		ns, err := sys.NewNetNS()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		ends[i] = &end{ns: ns}
	}
	ends[0].inside(t, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = "wan", wanMTU
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "wan", PeerNamespace: netlink.NsFd(ends[1].ns.Fd()), PeerMTU: uint32(wanMTU)})
	})
	for i, e := range ends {
		e.inside(t, func() error {
			return configure("wan", fmt.Sprintf("192.0.2.%d/24", i+1), fmt.Sprintf("2001:db8::%d/64", i+1))
		})
	}
	return ends
}

// configure adds addresses to a link without duplicate address detection and brings the link up.
func configure(name string, prefixes ...string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, p := range prefixes {
		addr, err := netlink.ParseAddr(p)
		if err != nil {
			return err
		}
		if addr.IP.To4() == nil {
			addr.Flags = 0x02 // IFA_F_NODAD
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("%s on %s: %w", p, name, err)
		}
	}
	return netlink.LinkSetUp(link)
}

// start brings up a tunnel in each end and runs both until the end of the test.
func start(t *testing.T, ends [2]*end, underlay [2]string, change func(*settings.Config)) {
	t.Helper()
	startWith(t, ends, underlay, change, func(*Tunnel) {})
}

// startWith is like start, but calls before for each tunnel before the tunnel runs.
func startWith(t *testing.T, ends [2]*end, underlay [2]string, change func(*settings.Config), before func(*Tunnel)) {
	t.Helper()
	for i, e := range ends {
		cfg := settings.Defaults(settings.TUN)
		cfg.ExtraProcs = true // both ends run in one process
		cfg.Dev, cfg.Listen, cfg.Peers = "tun0", netip.MustParseAddrPort(underlay[i]), onePeer(netip.MustParseAddrPort(underlay[1-i]))
		change(&cfg)
		e.inside(t, func() error {
			var err error
			if e.tunnel, err = New(cfg); err != nil {
				return err
			}
			if cfg.Port == settings.XDP {
				return nil
			}
			return configure("tun0", fmt.Sprintf("198.18.0.%d/24", i+1))
		})
		before(e.tunnel)
		run(t, e.tunnel)
	}
}

// run runs a tunnel. At the end of the test it stops the tunnel and checks that its counters balance.
func run(t *testing.T, tunnel *Tunnel) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tunnel.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err = errors.Join(err, tunnel.Close()); err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the tunnel did not stop")
			return
		}
		counted := tunnel.Stats()
		balanced(t, "encap", counted.Encap)
		balanced(t, "decap", counted.Decap)
	})
}

// delivered waits until a tunnel has counted want delivered packets. A tunnel counts a batch after it has
// sent the whole batch.
func delivered(t *testing.T, tunnel *Tunnel, want uint64) stats.Stats {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if s := tunnel.Stats(); s.Decap.Delivered >= want || time.Now().After(deadline) {
			return s
		}
	}
}

// listen opens a UDP socket inside an end.
func (e *end) listen(t *testing.T, addr string) *net.UDPConn {
	t.Helper()
	var conn *net.UDPConn
	e.inside(t, func() error {
		var err error
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		return err
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}

// exchange sends count payloads of mixed sizes from a to b. Each must arrive once and unchanged, in any
// order, because the kernel reorders packets of threads that change cores. At most one window is in
// flight, so that no queue overflows and no packet may be lost.
func exchange(t *testing.T, a, b *net.UDPConn, count int) {
	t.Helper()
	const window = 40 // packets; far less than a socket buffer holds
	arrived := make(chan error, window)
	go func() {
		seen, into := make([]bool, count), make([]byte, 2048)
		for range count {
			arrived <- receive(b, into, seen)
		}
	}()
	to := b.LocalAddr().(*net.UDPAddr).AddrPort()
	for i := range count + window {
		if i >= window {
			if err := <-arrived; err != nil {
				t.Fatal(err)
			}
		}
		if i < count {
			if _, err := a.WriteToUDPAddrPort(payloadOf(uint64(i)), to); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func receive(conn *net.UDPConn, into []byte, seen []bool) error {
	n := 1
	for n == 1 { // one of meet that came late
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		var err error
		if n, _, err = conn.ReadFromUDPAddrPort(into); err != nil {
			return err
		}
	}
	i := binary.BigEndian.Uint64(into)
	if i >= uint64(len(seen)) || seen[i] || !bytes.Equal(into[:n], payloadOf(i)) {
		return fmt.Errorf("packet of %d bytes with number %d arrived twice or was never sent", n, i)
	}
	seen[i] = true
	return nil
}

// payloadOf returns payload i. Several consecutive payloads have the same size.
func payloadOf(i uint64) []byte {
	sizes := [...]int{18, 18, 200, 1472, 18, 700, 18, 18}
	p := make([]byte, sizes[i/37%uint64(len(sizes))])
	rng := rand.New(rand.NewPCG(i, 3))
	for at := 8; at < len(p); at++ {
		p[at] = byte(rng.Uint32())
	}
	binary.BigEndian.PutUint64(p, i)
	return p
}

var (
	underlay4 = [2]string{"192.0.2.1:7000", "192.0.2.2:7000"}
	underlay6 = [2]string{"[2001:db8::1]:7000", "[2001:db8::2]:7000"}
)

func TestThroughNamespaces(t *testing.T) {
	testenv.NetAdmin(t)
	cases := []struct {
		name     string
		underlay [2]string
		wanMTU   int
		change   func(*settings.Config)
	}{
		{"defaults", underlay4, 1600, func(*settings.Config) {}},
		{"ipv6 underlay", underlay6, 1600, func(*settings.Config) {}},
		{"gso off", underlay4, 1600, func(c *settings.Config) { c.GSO = false }},
		{"gro off", underlay4, 1600, func(c *settings.Config) { c.GRO = false }},
		{"both off, ipv6", underlay6, 1600, func(c *settings.Config) { c.GSO, c.GRO = false, false }},
		{"path mtu below the datagrams", underlay4, 1400, func(*settings.Config) {}},
		{"pinned", underlay4, 1600, func(c *settings.Config) { c.CPUs = []int{0} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ends := newEnds(t, c.wanMTU)
			start(t, ends, c.underlay, c.change)
			left, right := ends[0].listen(t, "198.18.0.1:9000"), ends[1].listen(t, "198.18.0.2:9000")
			exchange(t, left, right, 10000)
			exchange(t, right, left, 1000)
			for i, want := range []uint64{10000, 1000} {
				if s := delivered(t, ends[1-i].tunnel, want); s.Decap.Delivered < want || s.Decap.Drops.Sum() > 0 {
					t.Errorf("end %d: decap %v, want at least %d delivered and no drop", 1-i, s.Decap, want)
				}
			}
		})
	}
}
