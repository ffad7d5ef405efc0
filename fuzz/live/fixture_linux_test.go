package live

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// tunnelPort is the UDP port of the reference tunnel.
const tunnelPort = 4754

// fixtureWord is the first argument that makes the test binary a tunnel with a planted fault.
const fixtureWord = "__faulty-tunnel"

// The planted faults.
const (
	faultNone     = "none"
	faultLeak     = "leak"     // keeps datagrams of unknown sources in memory
	faultCrash    = "crash"    // trusts the length field
	faultAnswer   = "answer"   // answers unknown sources
	faultCookie   = "cookie"   // answers unknown sources with a cookie reply, as WireGuard does under load
	faultResponse = "response" // answers them with the response to a handshake
	faultPoison   = "poison"   // moves the peer's window for an unknown source's sequence number
)

func init() {
	if len(os.Args) > 2 && os.Args[1] == fixtureWord {
		if err := runFaulty(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// faultyTunnel returns an exec: device with the fault.
func faultyTunnel(t *testing.T, fault string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), fault+".sh")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' %s %s\n", self, fixtureWord, fault)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return "exec:" + path
}

// runFaulty runs a simple tunnel as an exec: device.
func runFaulty(fault string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mtu, err := strconv.Atoi(os.Getenv("TB_MTU"))
	if err != nil {
		return err
	}
	local, peer := netip.MustParseAddr(os.Getenv("TB_LOCAL")), netip.MustParseAddr(os.Getenv("TB_PEER"))
	tun, err := sys.OpenTUN(os.Getenv("TB_DEV"), mtu, sys.TUNPlain)
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, tunnelPort)))
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(os.Getenv("TB_DEV"))
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return err
	}
	f := &faulty{fault: fault, tun: tun.File(), conn: conn, peer: netip.AddrPortFrom(peer, tunnelPort), mtu: mtu, right: os.Getenv("TB_SIDE") == netns.Left}
	go f.routineOut()
	go f.routineIn()
	<-ctx.Done()
	return nil
}

type faulty struct {
	fault string
	tun   *os.File
	conn  *net.UDPConn
	peer  netip.AddrPort
	mtu   int
	right bool // the address behind the peer

	window wire.Window
	kept   [][]byte
}

func (f *faulty) routineOut() {
	datagram := make([]byte, wire.HeaderLen+f.mtu)
	for sequence := uint64(1); ; sequence++ {
		n, err := f.tun.Read(datagram[wire.HeaderLen:])
		if err != nil {
			return
		}
		wire.PutHeader(datagram[:wire.HeaderLen+n], 1, sequence)
		_, _ = f.conn.WriteToUDPAddrPort(datagram[:wire.HeaderLen+n], f.peer)
	}
}

func (f *faulty) routineIn() {
	buffer := make([]byte, wire.HeaderLen+f.mtu+1)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			continue
		}
		if datagram := buffer[:n]; from == f.peer || f.fromUnknown(datagram, from) {
			f.open(datagram)
		}
	}
}

// fromUnknown acts out the fault, and reports whether to accept the datagram nevertheless.
func (f *faulty) fromUnknown(datagram []byte, from netip.AddrPort) bool {
	switch f.fault {
	case faultLeak:
		kept := make([]byte, 1024)
		for i := range kept {
			kept[i] = byte(i)
		}
		f.kept = append(f.kept, kept)
	case faultAnswer:
		_, _ = f.conn.WriteToUDPAddrPort([]byte("who are you?"), from)
	case faultCookie:
		_, _ = f.conn.WriteToUDPAddrPort(append([]byte{3, 0, 0, 0}, make([]byte, 60)...), from)
	case faultResponse:
		_, _ = f.conn.WriteToUDPAddrPort(append([]byte{2, 0, 0, 0}, make([]byte, 88)...), from)
	case faultCrash:
		if len(datagram) >= wire.HeaderLen {
			length := int(binary.BigEndian.Uint16(datagram[16:]))
			f.kept = append(f.kept[:0], datagram[wire.HeaderLen:wire.HeaderLen+length])
		}
	case faultPoison:
		if h, _, err := wire.ParseDatagram(datagram); err == nil {
			f.window.Accept(h.Sequence)
		}
	}
	return false
}

func (f *faulty) open(datagram []byte) {
	h, payload, err := wire.ParseDatagram(datagram)
	if err != nil || h.Tunnel != 1 || !inner.IsIP(payload) || !f.behindPeer(payload) || f.window.Accept(h.Sequence) != nil {
		return
	}
	_, _ = f.tun.Write(payload)
}

// behindPeer reports whether a packet's source is behind the peer. It is checked before the sequence
// number: otherwise any sender could close the window with a huge number.
func (f *faulty) behindPeer(packet []byte) bool {
	from, _ := netip.AddrFromSlice(packet[12:16])
	nets := netns.LeftNets
	if f.right {
		nets = netns.RightNets
	}
	return packet[0]>>4 == 4 && nets.Contains(from)
}
