package lanport

import (
	"errors"
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
	testenv.NetAdmin(t)
	for name, change := range map[string]func(int) func(netlink.Link) error{
		"neighbours": burst, "routes": burstOfRoutes, "addresses": burstOfAddresses,
	} {
		t.Run(name, func(t *testing.T) {
			ns, err := sys.NewNetNS()
			if err != nil {
				t.Fatal(err)
			}
			defer ns.Close()
			if err := sys.InNetNS(ns, func() error { return afterBurst(t, change(1000)) }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// afterBurst makes an interface, follows it, and checks that a neighbour is found after a burst of changes.
func afterBurst(t *testing.T, change func(netlink.Link) error) error {
	link, err := lanInterface()
	if err != nil {
		return err
	}
	socket, err := sys.OpenXSK(link.Attrs().Index, 0, sys.XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
	if err != nil {
		return err
	}
	defer socket.Close()
	program, err := Load(socket.FD())
	if err != nil {
		return err
	}
	defer program.Close()
	w, err := Follow(link.Attrs().Index, program, func() {})
	if err != nil {
		return err
	}
	defer w.Close()
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
	want := MAC{2, 0, 0, 0, 0, 9}
	late := &netlink.Neigh{LinkIndex: link.Attrs().Index, IP: net.IPv4(10, 1, 0, 9), State: netlink.NUD_PERMANENT, HardwareAddr: want[:]}
	if err := netlink.NeighSet(late); err != nil {
		return err
	}
	for deadline := time.Now().Add(watchRegularly / 2); w.View().Hop(netip.MustParseAddr("10.1.0.9")) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the late neighbour was never found")
		}
	}
	return nil
}

// TestManyAddresses gives the program the 65,536 addresses that docs/tunnel.md allows, and then one more.
func TestManyAddresses(t *testing.T) {
	testenv.NetAdmin(t)
	ns, err := sys.NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := sys.InNetNS(ns, func() error { return manyAddresses(t, 65536) }); err != nil {
		t.Fatal(err)
	}
}

func manyAddresses(t *testing.T, most int) error {
	link, err := lanInterface()
	if err != nil {
		return err
	}
	socket, err := sys.OpenXSK(link.Attrs().Index, 0, sys.XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
	if err != nil {
		return err
	}
	defer socket.Close()
	program, err := Load(socket.FD())
	if err != nil {
		return err
	}
	defer program.Close()
	addrs := make([]netlink.Addr, most+1)
	for i := range addrs {
		addrs[i].IPNet = &net.IPNet{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}
	}
	if err := program.setOwn(MAC{}, addrs[:most]); err != nil {
		return err
	}
	if err := program.setOwn(MAC{}, addrs); err == nil || !strings.Contains(err.Error(), "room for 65536") {
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
