package reference

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/bpf"
	"github.com/tunnelbench/tunnelbench/reference/lanport"
)

// Addresses of the port of the fuzzed program.
var (
	portMAC   = lanport.MAC{2, 0, 0, 0, 0, 1}
	portAddr4 = netip.MustParseAddr("198.18.0.1")
	portAddr6 = netip.MustParseAddr("2001:2:0:1::1")
)

const (
	xdpPass     = 2
	xdpRedirect = 4
)

// FuzzPort gives frames to the XDP program of a LAN port, without a port. The program must take the
// tunnel's frames and pass all others unchanged, above all ARP and neighbour discovery, which the kernel
// answers. Short frames are padded, as BPF_PROG_TEST_RUN requires.
func FuzzPort(f *testing.F) {
	testenv.NetAdmin(f)
	program := unboundProgram(f)
	for _, frame := range portFrames(f) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const least, most = 14, 2048
		frame := make([]byte, max(least, min(len(data), most)))
		copy(frame, data)
		out := make([]byte, len(frame)+256)
		action, rest := testRun(t, program, frame, out)
		oracle.Untouched(rest, frame)
		want := uint32(xdpPass)
		if isTunnels(frame) {
			want = xdpRedirect
		}
		oracle.Agree("the action for the frame", action, want)
	})
}

func testRun(t *testing.T, program *ebpf.Program, frame, out []byte) (uint32, []byte) {
	options := ebpf.RunOptions{Data: frame, DataOut: out}
	action, err := program.Run(&options)
	if err != nil {
		t.Fatal(err)
	}
	return action, options.DataOut
}

// isTunnels implements the documentation of an XDP port in package reference, one field after the other.
func isTunnels(frame []byte) bool {
	if lanport.MAC(frame) != portMAC {
		return false
	}
	packet := frame[ethernetLen:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		return len(packet) >= 20 && netip.AddrFrom4([4]byte(packet[16:])) != portAddr4
	case 0x86dd:
		if len(packet) < 40 {
			return false
		}
		to := [16]byte(packet[24:])
		multicast, linkLocal := to[0] == 0xff, to[0] == 0xfe && to[1]>>6 == 2 // RFC 4291 section 2.4
		return to != portAddr6.As16() && !multicast && !linkLocal
	}
	return false
}

// unboundProgram returns the program with an unbound socket in its map. The test run returns the action for
// a frame without sending it.
func unboundProgram(f *testing.F) *ebpf.Program {
	spec, err := bpf.LoadPort()
	if err != nil {
		f.Fatal(err)
	}
	if err := spec.Variables["mac"].Set(portMAC); err != nil {
		f.Fatal(err)
	}
	var objects bpf.PortObjects
	if err := spec.LoadAndAssign(&objects, nil); err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(objects.Own4.Put(portAddr4.AsSlice(), uint8(1)), objects.Own6.Put(portAddr6.AsSlice(), uint8(1))); err != nil {
		f.Fatal(err)
	}
	const afXDP = 44 // AF_XDP of linux/socket.h
	socket, err := syscall.Socket(afXDP, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { objects.Close(); syscall.Close(socket) })
	if err := objects.Sockets.Put(uint32(0), uint32(socket)); err != nil {
		f.Fatal(err)
	}
	return objects.LanPort
}

// portFrames are frames of a LAN: packets for other hosts and for the host itself, ARP, neighbour
// discovery, and a tagged frame.
func portFrames(f *testing.F) (frames [][]byte) {
	own, other := net.HardwareAddr(portMAC[:]), net.HardwareAddr{2, 0, 0, 0, 0, 2}
	frame := func(to net.HardwareAddr, kind layers.EthernetType, rest ...gopacket.SerializableLayer) {
		b := gopacket.NewSerializeBuffer()
		eth := &layers.Ethernet{SrcMAC: other, DstMAC: to, EthernetType: kind}
		all := append([]gopacket.SerializableLayer{eth}, rest...)
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
			f.Fatal(err)
		}
		frames = append(frames, b.Bytes())
	}
	for _, to := range []string{"198.18.0.1", "198.19.0.1"} {
		for _, address := range []net.HardwareAddr{own, other} {
			frame(address, layers.EthernetTypeIPv4, &layers.IPv4{Version: 4, TTL: 9, SrcIP: net.IP{198, 18, 0, 2}, DstIP: net.ParseIP(to)})
		}
	}
	for _, to := range []string{"2001:2:0:1::1", "2001:2:0:2::1", "fe80::1", "ff02::1:ff00:1"} {
		frame(own, layers.EthernetTypeIPv6, &layers.IPv6{Version: 6, HopLimit: 255, SrcIP: net.ParseIP("2001:2:0:1::2"), DstIP: net.ParseIP(to)})
	}
	frame(net.HardwareAddr{255, 255, 255, 255, 255, 255}, layers.EthernetTypeARP, &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, Operation: layers.ARPRequest,
		SourceHwAddress: other, SourceProtAddress: net.IP{198, 18, 0, 2}, DstHwAddress: make([]byte, 6), DstProtAddress: net.IP{198, 18, 0, 1},
	})
	frame(own, layers.EthernetTypeDot1Q, &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}, gopacket.Payload(make([]byte, 40)))
	return append(frames, frames[1][:30])
}
