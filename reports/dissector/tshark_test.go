package dissector

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/capture"
)

const tunnelPort = 4754

// udp returns an IPv4 packet with a UDP datagram to the port.
func udp(t testing.TB, port uint16, payload []byte) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
	return serialised(t, ip, port, payload)
}

// udp6 returns an IPv6 packet with a UDP datagram to the port.
func udp6(t testing.TB, port uint16, payload []byte) []byte {
	t.Helper()
	ip := &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("2001:2::1"), DstIP: net.ParseIP("2001:2::2")}
	return serialised(t, ip, port, payload)
}

func serialised[IP interface {
	gopacket.SerializableLayer
	gopacket.NetworkLayer
}](t testing.TB, ip IP, port uint16, payload []byte) []byte {
	t.Helper()
	head := &layers.UDP{SrcPort: 49184, DstPort: layers.UDPPort(port)}
	if err := head.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	out := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(out, options, ip, head, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// captured returns whole packets as a capture.
func captured(t testing.TB, packets ...[]byte) []byte {
	t.Helper()
	all := make([]capture.Packet, len(packets))
	for i, data := range packets {
		all[i] = capture.Packet{Time: time.Unix(0, int64(i)), Data: data}
	}
	return record(t, all...)
}

func record(t testing.TB, packets ...capture.Packet) []byte {
	t.Helper()
	var out bytes.Buffer
	c, err := capture.NewWriter(&out, []capture.Interface{{Name: "wan", LinkType: capture.RawIP}}, nil)
	for _, p := range packets {
		err = errors.Join(err, c.Packet(p))
	}
	if err = errors.Join(err, c.Flush()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// with returns the arguments with the script in front of them.
func with(t testing.TB, script string, args ...string) []string {
	t.Helper()
	return append([]string{"-X", "lua_script:" + testenv.File(t, []byte(script))}, args...)
}

// rows returns the values of the fields for each packet.
func rows(t testing.TB, fields []string, capture []byte, args ...string) [][]string {
	t.Helper()
	return testenv.TsharkFields(t, capture, fields, with(t, Lua, args...)...)
}
