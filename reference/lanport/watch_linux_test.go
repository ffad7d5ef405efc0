package lanport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// burst makes many neighbours known and unknown again, faster than anyone can read the kernel's messages.
func burst(count int) func(netlink.Link) error {
	return func(link netlink.Link) error {
		for i := range count {
			n := &netlink.Neigh{
				LinkIndex: link.Attrs().Index, IP: net.IPv4(10, 1, byte(4+i>>8), byte(i)), State: netlink.NUD_PERMANENT,
				HardwareAddr: net.HardwareAddr{2, 9, 9, 9, byte(i >> 8), byte(i)},
			}
			if err := errors.Join(netlink.NeighSet(n), netlink.NeighDel(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

// burstOfRoutes adds and removes many routes, burstOfAddresses many addresses.
func burstOfRoutes(count int) func(netlink.Link) error {
	return func(link netlink.Link) error {
		for i := range count {
			r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: &net.IPNet{IP: net.IPv4(10, 99, byte(i>>8), byte(i)), Mask: net.CIDRMask(32, 32)}}
			if err := errors.Join(netlink.RouteAdd(r), netlink.RouteDel(r)); err != nil {
				return err
			}
		}
		return nil
	}
}

func burstOfAddresses(count int) func(netlink.Link) error {
	return func(link netlink.Link) error {
		for i := range count {
			a := &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 98, byte(i>>8), byte(i)), Mask: net.CIDRMask(32, 32)}}
			if err := errors.Join(netlink.AddrAdd(link, a), netlink.AddrDel(link, a)); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestLostMessagesAreMadeUpFor checks that a neighbour that appears after a burst of kernel messages becomes
// known, although the burst overran the queue of messages.
func TestLostMessagesAreMadeUpFor(t *testing.T) {
	for name, change := range map[string]func(int) func(netlink.Link) error{
		"neighbours": burst, "routes": burstOfRoutes, "addresses": burstOfAddresses,
	} {
		t.Run(name, func(t *testing.T) {
			inNewNS(t, func() error { return afterBurst(t, change(1000)) })
		})
	}
}

// loaded returns the program for a socket on an interface.
func loaded(t *testing.T, link netlink.Link) (*Program, error) {
	socket, err := sys.OpenXSK(link.Attrs().Index, 0, sys.XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { socket.Close() })
	program, err := Load(socket.FD())
	if err == nil {
		t.Cleanup(func() { program.Close() })
	}
	return program, err
}

// followed follows an interface.
func followed(t *testing.T, link netlink.Link) (*Watch, error) {
	program, err := loaded(t, link)
	if err != nil {
		return nil, err
	}
	w, err := Follow(link.Attrs().Index, program, func() {})
	if err == nil {
		t.Cleanup(func() { w.Close() })
	}
	return w, err
}

// inNewNS calls fn in a new network namespace.
func inNewNS(t *testing.T, fn func() error) {
	t.Helper()
	testenv.NetAdmin(t)
	ns, err := sys.NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	if err := sys.InNetNS(ns, fn); err != nil {
		t.Fatal(err)
	}
}

// afterBurst makes an interface, follows it, and checks that a neighbour is found after a burst of changes.
func afterBurst(t *testing.T, change func(netlink.Link) error) error {
	link, err := lanInterface()
	if err != nil {
		return err
	}
	w, err := followed(t, link)
	if err != nil {
		return err
	}
	witness, err := nl.Subscribe(0, watchGroups...)
	if err != nil {
		return err
	}
	defer witness.Close()
	for _, s := range []*nl.NetlinkSocket{w.messages, witness} {
		if err := s.SetReceiveBufferSize(1, true); err != nil { // the kernel's least size, a few messages
			return err
		}
	}
	if err := change(link); err != nil {
		return err
	}
	if !overran(witness) {
		t.Error("the burst did not overrun a queue of the same size, so it shows nothing")
	}
	return findsNeighbour(w, link, "10.1.0.9", watchRegularly/2)
}

// findsNeighbour sets a neighbour and waits until it is known as the next hop for a host.
func findsNeighbour(w *Watch, link netlink.Link, host string, within time.Duration) error {
	want := MAC{2, 0, 0, 0, 0, 9}
	late := &netlink.Neigh{LinkIndex: link.Attrs().Index, IP: net.IPv4(10, 1, 0, 9), State: netlink.NUD_PERMANENT, HardwareAddr: want[:]}
	if err := netlink.NeighSet(late); err != nil {
		return err
	}
	for deadline := time.Now().Add(within); w.View().Hop(netip.MustParseAddr(host)) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the late neighbour was never found for %s", host)
		}
	}
	return nil
}

// TestManyAddresses gives the program the 65,536 addresses that docs/tunnel.md allows, and then one more.
func TestManyAddresses(t *testing.T) {
	inNewNS(t, func() error { return manyAddresses(t, 65536) })
}

func manyAddresses(t *testing.T, most int) error {
	link, err := lanInterface()
	if err != nil {
		return err
	}
	program, err := loaded(t, link)
	if err != nil {
		return err
	}
	addrs := make([]netlink.Addr, most+1)
	for i := range addrs {
		addrs[i].IPNet = &net.IPNet{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}
	}
	if err := program.setOwn(MAC{}, addrs[:most], true); err != nil {
		return err
	}
	if err := program.setOwn(MAC{}, addrs, true); err == nil || !strings.Contains(err.Error(), "room for 65536") {
		t.Errorf("%d addresses: %v, want an error that names the limit", len(addrs), err)
	}
	return nil
}

// lanInterface makes an interface with an address.
func lanInterface() (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "lan"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far"}); err != nil {
		return nil, err
	}
	addr, err := netlink.ParseAddr("10.1.0.1/16")
	if err != nil {
		return nil, err
	}
	link, err := netlink.LinkByName("lan")
	if err != nil {
		return nil, err
	}
	return link, errors.Join(netlink.AddrAdd(link, addr), netlink.LinkSetUp(link))
}

// overran reports whether messages of a queue were lost.
func overran(s *nl.NetlinkSocket) bool {
	for range 1000 {
		if _, _, err := s.Receive(); err != nil {
			return true
		}
	}
	return false
}
