package sys

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// openTUN opens tun0 in a namespace of its own.
func openTUN(t *testing.T, mtu int) (*TUN, *os.File) {
	t.Helper()
	testenv.NetAdmin(t)
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	var tun *TUN
	err = InNetNS(ns, func() error {
		tun, err = OpenTUN("tun0", mtu, TUNPlain)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tun.Close() })
	return tun, ns
}

func TestTUNComesUp(t *testing.T) {
	tun, ns := openTUN(t, 1400)
	err := InNetNS(ns, func() error {
		dev, err := net.InterfaceByName(tun.Name())
		if err == nil && (dev.MTU != 1400 || dev.Flags&net.FlagUp == 0) {
			t.Errorf("%s has MTU %d and flags %v, want 1400 and up", dev.Name, dev.MTU, dev.Flags)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// echoRequest is an IPv4 packet that the kernel takes in, from nobody to nobody.
var echoRequest = []byte{
	0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
	8, 0, 0xf7, 0xff, 0, 0, 0, 0,
}

func TestTUNReadsWritesAndWaits(t *testing.T) {
	tun, ns := openTUN(t, 1400)
	event, err := NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer event.Close()
	for buf := make([]byte, 2048); ; { // what the kernel says unasked, such as a router solicitation
		if _, err := tun.Read(buf); err == syscall.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := tun.Write(echoRequest); err != nil {
		t.Errorf("write: %v", err)
	}
	if err := tun.Write([]byte{0x55, 1, 2, 3}); err != syscall.EINVAL {
		t.Errorf("write of version 5: %v, want EINVAL", err)
	}
	sendThrough(t, ns)
	if raised, err := tun.Wait(event, Kept); raised || err != nil {
		t.Errorf("wait with a packet there: raised %v, %v", raised, err)
	}
	event.Raise()
	event.Raise()
	if raised, err := tun.Wait(event, Kept); !raised || err != nil {
		t.Errorf("wait with the event raised: raised %v, %v", raised, err)
	}
	buf := make([]byte, 2048)
	for {
		n, err := tun.Read(buf)
		if err != nil {
			t.Fatalf("the packet sent into the interface never came: %v", err)
		}
		if bytes.HasSuffix(buf[:n], []byte("hello")) {
			return
		}
	}
}

// sendThrough gives tun0 an address and makes the kernel send one packet
// through it. Its own link-local address may still be tentative.
func sendThrough(t *testing.T, ns *os.File) {
	t.Helper()
	err := InNetNS(ns, func() error {
		link, err := netlink.LinkByName("tun0")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(192, 0, 2, 1), Mask: net.CIDRMask(30, 32)}}); err != nil {
			return err
		}
		conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 9})
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("hello"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTUNDoesNotAllocate(t *testing.T) {
	tun, _ := openTUN(t, 1400)
	event, err := NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer event.Close()
	event.Raise()
	buf := make([]byte, 2048)
	allocations := testing.AllocsPerRun(100, func() {
		tun.Read(buf)
		tun.Write(echoRequest)
		tun.Wait(event, Kept)
	})
	if allocations != 0 {
		t.Errorf("read, write and wait allocate %v times", allocations)
	}
}

func TestOpenTUNSaysWhatIsWrong(t *testing.T) {
	_, ns := openTUN(t, 1400)
	err := InNetNS(ns, func() error {
		_, err := OpenTUN("tun0", 1400, TUNPlain)
		return err
	})
	if !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "tun0") {
		t.Errorf("second opening: %v, want tun0 busy", err)
	}
	if _, err := OpenTUN("a-name-that-is-too-long", 1400, TUNPlain); err == nil {
		t.Error("a name of 23 characters was taken")
	}
}
