package reference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// lanKind is how the hosts of a LAN are joined to the end's interface lan.
type lanKind string

const (
	overVeth    lanKind = "veth"             // lan is one end of the host's cable
	overBridge  lanKind = "bridge"           // lan is a bridge, each host has a port
	overMacvlan lanKind = "macvlan"          // lan is a macvlan on one end of the host's cable
	siblings    lanKind = "macvlan siblings" // lan and the hosts' interfaces are macvlans on one interface
	farMacvlan  lanKind = "far macvlan"      // lan is one end of a cable, the host's interface a macvlan on the other
)

var lanKinds = []lanKind{overVeth, overBridge, overMacvlan, siblings, farMacvlan}

// hosts puts hosts behind an end, more than one only on a bridge or as siblings:
//
//	eth0 10.n.0.2, fd00:n::2 ---+
//	eth0 10.n.0.3, fd00:n::3 ---+--- lan 10.n.0.1, fd00:n::1 | end
func (e *end) hosts(t *testing.T, kind lanKind, n, count int) (all []*end) {
	t.Helper()
	switch kind {
	case overBridge:
		e.inside(t, func() error { return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: named("lan")}) })
	case siblings:
		e.inside(t, func() error { return errors.Join(cable("lower", "unused", nil), configure("unused")) })
		e.onMacvlan(t, "lower")
	}
	for i := range count {
		all = append(all, e.host(t, kind, n, i+2))
	}
	e.inside(t, func() error { return configure("lan", lanAddresses(n, 1)...) })
	return all
}

// host makes host number i of LAN n and joins it to the end.
func (e *end) host(t *testing.T, kind lanKind, n, i int) *end {
	t.Helper()
	ns, err := sys.NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	host := &end{ns: ns}
	near := fmt.Sprintf("to%d", i)
	switch kind {
	case overVeth:
		e.inside(t, func() error { return cable("lan", "eth0", netlink.NsFd(ns.Fd())) })
	case overBridge:
		e.inside(t, func() error { return errors.Join(cable(near, "eth0", netlink.NsFd(ns.Fd())), enslave(near, "lan")) })
	case overMacvlan:
		e.inside(t, func() error { return cable(near, "eth0", netlink.NsFd(ns.Fd())) })
		e.onMacvlan(t, near)
	case siblings:
		e.inside(t, func() error { return macvlan("eth0", "lower", netlink.NsFd(ns.Fd())) })
	case farMacvlan:
		e.inside(t, func() error { return cable("lan", "far", netlink.NsFd(ns.Fd())) })
		host.inside(t, func() error { return errors.Join(configure("far"), macvlan("eth0", "far", nil)) })
	}
	host.inside(t, func() error {
		if err := configure("eth0", lanAddresses(n, i)...); err != nil {
			return err
		}
		return defaultRoutes(n)
	})
	return host
}

// onMacvlan makes lan a macvlan on an interface, which does not answer for it.
func (e *end) onMacvlan(t *testing.T, lower string) {
	t.Helper()
	e.inside(t, func() error { return errors.Join(configure(lower), macvlan("lan", lower, nil)) })
	e.sysctl(t, "net/ipv4/conf/"+lower+"/arp_ignore", "1")
}

// cable joins two interfaces, of which near is up and far can be in another namespace.
func cable(near, far string, ns any) error {
	return errors.Join(netlink.LinkAdd(&netlink.Veth{LinkAttrs: named(near), PeerName: far, PeerNamespace: ns}), configure(near))
}

// macvlan makes a macvlan in bridge mode on the interface lower.
func macvlan(name, lower string, ns any) error {
	link, err := netlink.LinkByName(lower)
	if err != nil {
		return err
	}
	attrs := named(name)
	attrs.ParentIndex, attrs.Namespace = link.Attrs().Index, ns
	return netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE})
}

func named(name string) netlink.LinkAttrs {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return attrs
}

// enslave makes an interface a port of a bridge.
func enslave(port, bridge string) error {
	link, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	return netlink.LinkSetMaster(link, master)
}

// lanAddresses returns the addresses of host i of LAN n. The end itself is host 1.
func lanAddresses(n, i int) []string {
	return []string{fmt.Sprintf("10.%d.0.%d/24", n, i), fmt.Sprintf("fd00:%d::%x/64", n, i)}
}

// defaultRoutes makes the end of LAN n the router of a host.
func defaultRoutes(n int) error {
	for _, via := range lanAddresses(n, 1) {
		ip, _, err := net.ParseCIDR(via)
		if err != nil {
			return err
		}
		if err := netlink.RouteAdd(&netlink.Route{Gw: ip}); err != nil {
			return fmt.Errorf("default route by %s: %w", via, err)
		}
	}
	return nil
}

// twoLANs returns two ends with a tunnel between XDP ports, and the hosts behind each.
func twoLANs(t *testing.T, kind lanKind, count int) (ends [2]*end, hosts [2][]*end) {
	t.Helper()
	testenv.NetAdmin(t)
	ends = newEnds(t, 1600)
	for i, e := range ends {
		hosts[i] = e.hosts(t, kind, i+1, count)
	}
	start(t, ends, underlay4, func(c *settings.Config) { c.Port, c.Dev = settings.XDP, "lan" })
	t.Cleanup(func() {
		for i := range ends {
			if t.Failed() {
				t.Logf("end %d: %+v", i, ends[i].tunnel.Stats())
			}
		}
	})
	return ends, hosts
}

// transfer sends size bytes by TCP from one host to an address of another. They must arrive unchanged. options
// are set on the sending socket.
func transfer(t *testing.T, from, to *end, addr string, size int, options ...socketOption) {
	t.Helper()
	var listener net.Listener
	to.inside(t, func() (err error) {
		listener, err = net.Listen("tcp", addr)
		return err
	})
	defer listener.Close()
	want := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{7})
	_, _ = rng.Read(want)
	var conn net.Conn
	from.inside(t, func() (err error) {
		conn, err = (&net.Dialer{Timeout: 5 * time.Second, Control: set(options)}).Dial("tcp", addr)
		return err
	})
	defer conn.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(want)
		conn.(*net.TCPConn).CloseWrite()
		sent <- err
	}()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	accepted.SetDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(accepted)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d of %d bytes arrived at %s, or others (%v)", len(got), size, addr, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// socketOption is a value for setsockopt(2).
type socketOption struct {
	level, name int
	value       string
}

// set returns a function for net.Dialer.Control.
func set(options []socketOption) func(_, _ string, raw syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) (err error) {
		refused := raw.Control(func(fd uintptr) {
			for _, o := range options {
				err = errors.Join(err, os.NewSyscallError("setsockopt", syscall.SetsockoptString(int(fd), o.level, o.name, o.value)))
			}
		})
		return errors.Join(refused, err)
	}
}

// TestChecksumsAreFinished checks that hosts whose kernel leaves checksums to the network card reach hosts
// behind the other end, whatever joins them to an XDP port. On all of these interfaces such packets arrive
// unfinished and unmarked.
func TestChecksumsAreFinished(t *testing.T) {
	for _, kind := range lanKinds {
		t.Run(string(kind), func(t *testing.T) {
			ends, hosts := twoLANs(t, kind, 1)
			for i, e := range ends {
				if e.tunnel.port.(*xdpPort).intake == nil {
					singly(t, kind, e, hosts[i][0])
				}
			}
			left, right := hosts[0][0], hosts[1][0]
			for i, host := range [][2]string{{"10.1.0.2", "10.2.0.2"}, {"fd00:1::2", "fd00:2::2"}} {
				a, b := left.listen(t, at(host[0], 9000+i)), right.listen(t, at(host[1], 9000+i))
				meet(t, a, b)
				exchange(t, a, b, 500)
				exchange(t, b, a, 500)
				transfer(t, left, right, at(host[1], 80), 1<<20)
				transfer(t, right, left, at(host[0], 80), 1<<20)
			}
		})
	}
}

// TestInnerChecksumsAreFinished checks that hosts with a VXLAN of their own between them, whose kernel leaves the
// inner checksums to the network card, reach each other by it.
func TestInnerChecksumsAreFinished(t *testing.T) {
	for name, c := range map[string]struct {
		kind lanKind
		port int
		ends [2]string
	}{
		"veth": {overVeth, 4789, [2]string{"10.1.0.2", "10.2.0.2"}}, "the port of Linux": {overVeth, 8472, [2]string{"10.1.0.2", "10.2.0.2"}},
		"over IPv6": {overVeth, 4789, [2]string{"fd00:1::2", "fd00:2::2"}}, "bridge": {overBridge, 4789, [2]string{"10.1.0.2", "10.2.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, hosts := twoLANs(t, c.kind, 1)
			a, b := hosts[0][0], hosts[1][0]
			meet(t, a.listen(t, at(c.ends[0], 9000)), b.listen(t, at(c.ends[1], 9000)))
			for i, host := range []*end{a, b} {
				host.inside(t, func() error {
					vxlan := &netlink.Vxlan{LinkAttrs: named("over"), VxlanId: 7, Port: c.port, SrcAddr: net.ParseIP(c.ends[i]), Group: net.ParseIP(c.ends[1-i]), UDPCSum: true}
					return errors.Join(netlink.LinkAdd(vxlan), configure("over", fmt.Sprintf("10.50.0.%d/24", i+1)))
				})
			}
			near, far := a.listen(t, at("10.50.0.1", 9000)), b.listen(t, at("10.50.0.2", 9000))
			meet(t, near, far)
			exchange(t, near, far, 100)
			transfer(t, a, b, at("10.50.0.2", 80), 1<<20)
		})
	}
}

// singly keeps the packets of a host from being joined, as docs/tunnel.md says for kernels before Linux 6.6.
func singly(t *testing.T, kind lanKind, e, host *end) {
	t.Helper()
	host.inside(t, func() error {
		return sys.SetEthFeatures("eth0", map[string]bool{"tx-tcp-segmentation": false, "tx-tcp6-segmentation": false, "tx-generic-segmentation": false})
	})
	if kind == overBridge || kind == overMacvlan {
		e.inside(t, func() error { return sys.SetEthFeatures("to2", map[string]bool{"rx-gro": false}) })
	}
}

// TestPaddingStaysBehind sends datagrams that are shorter than the shortest Ethernet frame. Their padding must not
// pass the tunnel.
func TestPaddingStaysBehind(t *testing.T) {
	for _, kind := range lanKinds {
		t.Run(string(kind), func(t *testing.T) {
			ends, hosts := twoLANs(t, kind, 1)
			ends[0].sysctl(t, "net/bridge/bridge-nf-call-iptables", "0") // the filter of a bridge would cut the padding off
			near, far := hosts[0][0].listen(t, at("10.1.0.2", 9000)), hosts[1][0].listen(t, at("10.2.0.2", 9000))
			meet(t, near, far)
			sent := func() (packets, octets uint64) {
				s := ends[0].tunnel.Stats().Peers[0]
				return s.SentPackets, s.SentOctets
			}
			before, _ := sent()
			hosts[0][0].sendFrame(t, "eth0", udpFrame(t, ends[0].macOf(t, "lan"), 1, "x"))
			eventually(t, "every packet has 29 bytes, as those of meet", func() bool {
				packets, octets := sent()
				return packets > before && octets == 29*packets
			})
		})
	}
}

// udpFrame returns a frame with a UDP datagram from host 10.1.0.2 to 10.2.0.2. id is the identification of RFC 791.
// The frame is padded to 60 bytes.
func udpFrame(t *testing.T, mac net.HardwareAddr, id uint16, payload string) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: id, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 1, 0, 2}, DstIP: net.IP{10, 2, 0, 2}}
	udp := &layers.UDP{SrcPort: 9000, DstPort: 9000}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	frame := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(frame, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 55}, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return frame.Bytes()
}

// sysctl sets a value of the end's namespace, if the kernel has it.
func (e *end) sysctl(t *testing.T, name, value string) {
	t.Helper()
	e.inside(t, func() error {
		err := os.WriteFile("/proc/sys/"+name, []byte(value), 0)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (e *end) macOf(t *testing.T, name string) (mac net.HardwareAddr) {
	t.Helper()
	e.onLink(t, name, func(l netlink.Link) error { mac = l.Attrs().HardwareAddr; return nil })
	return mac
}

// sendFrame sends an Ethernet frame by an interface of the end as it is (packet(7)).
func (e *end) sendFrame(t *testing.T, name string, frame []byte) {
	t.Helper()
	e.onLink(t, name, func(l netlink.Link) error {
		s, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(s)
		return syscall.Sendto(s, frame, 0, &syscall.SockaddrLinklayer{Ifindex: l.Attrs().Index})
	})
}

func at(host string, n int) string {
	return netip.AddrPortFrom(netip.MustParseAddr(host), uint16(n)).String()
}
