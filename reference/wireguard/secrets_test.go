package wireguard

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/capture"
)

// udpPacket returns an IPv4 packet with a UDP payload.
func udpPacket(t *testing.T, from, to net.IP, port uint16, payload []byte) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: from, DstIP: to}
	udp := &layers.UDP{SrcPort: layers.UDPPort(port), DstPort: layers.UDPPort(port)}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	out := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(out, options, ip, udp, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The networks inside: what a host on the left sends to one on the right, and back.
var insideLeft, insideRight = net.IP{10, 1, 0, 1}, net.IP{10, 2, 0, 1}

// conversation runs two sessions, one begun by each end, and returns what was on the wire and the key log of
// the left end.
func conversation(t *testing.T, psk PresharedKey) (n *network, log []byte) {
	t.Helper()
	n = newNetwork(t, func(l, r *PeerConfig) { l.Preshared, r.Preshared = psk, psk })
	n.left.device.secrets = func(s Secrets) { log = append(log, s.KeyLog()...) }
	for i, first := range []*host{n.left, n.right} {
		n.send(first, udpPacket(t, insideLeft, insideRight, 5001, fmt.Appendf(nil, "session %d begins", i)))
		n.send(n.left, udpPacket(t, insideLeft, insideRight, 5001, []byte("there")))
		n.send(n.right, udpPacket(t, insideRight, insideLeft, 5001, []byte("and back")))
		n.run(rejectAfterTime)
	}
	return n, log
}

// capture returns what was sent as a capture.
func (n *network) capture(t *testing.T, secrets capture.Secrets) []byte {
	t.Helper()
	var out bytes.Buffer
	c, err := capture.NewWriter(&out, []capture.Interface{{Name: "wan", LinkType: capture.RawIP}}, secrets)
	for _, s := range n.sent {
		from, to := net.IP{192, 0, 2, 1}, net.IP{192, 0, 2, 2}
		if s.from == n.right {
			from, to = to, from
		}
		err = errors.Join(err, c.Packet(capture.Packet{Time: s.at, Data: udpPacket(t, from, to, 51820, s.Datagram)}))
	}
	if err = errors.Join(err, c.Flush()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decrypted returns how many packets tshark finds in data messages, and their payloads.
func decrypted(t *testing.T, capture []byte, args ...string) (payloads []string) {
	t.Helper()
	fields := []string{"wg.type", "udp.dstport", "udp.payload"}
	for _, row := range testenv.TsharkFields(t, capture, fields, args...) {
		if row[0] == "4" && row[1] == "51820,5001" {
			payloads = append(payloads, row[2])
		}
	}
	return payloads
}

// Stock Wireshark reads sessions that either end began, with the key log of one end: in the capture, or in a
// file. Without it, or without one of its keys, nothing is read.
func TestWiresharkDecrypts(t *testing.T) {
	t.Parallel()
	for name, psk := range map[string]PresharedKey{"without a preshared key": {}, "with one": {9, 8, 7}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, log := conversation(t, psk)
			sealed := 0
			for _, s := range n.sent {
				if s.kind == Data && s.Packet > 0 {
					sealed++
				}
			}
			if sealed != 6 || len(n.kinds(n.left, Response, n.sent[0].at)) == 0 || len(n.kinds(n.right, Response, n.sent[0].at)) == 0 {
				t.Fatalf("%d packets, want 6 and a response of each end", sealed)
			}
			if got := decrypted(t, n.capture(t, log)); len(got) != sealed {
				t.Errorf("keys in the capture: %d packets of %d: %q", len(got), sealed, got)
			}
			plain := n.capture(t, nil)
			if got := decrypted(t, plain, "-o", "wg.keylog_file:"+testenv.File(t, log)); len(got) != sealed {
				t.Errorf("keys in a file: %d packets of %d: %q", len(got), sealed, got)
			}
			if got := decrypted(t, plain); len(got) != 0 {
				t.Errorf("without keys: %d packets", len(got))
			}
			for _, missing := range []string{"LOCAL_EPHEMERAL_PRIVATE_KEY", "PRESHARED_KEY"} {
				rest := without(log, missing)
				if got := decrypted(t, n.capture(t, rest)); len(rest) < len(log) && len(got) != 0 {
					t.Errorf("without %s: %d packets", missing, len(got))
				}
			}
		})
	}
}

// without returns a key log without the lines of a name.
func without(log []byte, name string) []byte {
	return slices.Concat(slices.DeleteFunc(slices.Collect(bytes.Lines(log)), func(line []byte) bool { return bytes.HasPrefix(line, []byte(name+"=")) })...)
}

// Secrets print as a word, and only their key log has them.
func TestSecretsPrintAsAWord(t *testing.T) {
	t.Parallel()
	s := Secrets{Static: PrivateKey{1}, Ephemeral: PrivateKey{2}, Preshared: PresharedKey{3}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, s); text != "(secrets of a session)" {
			t.Errorf("%s: %q", format, text)
		}
	}
	if !strings.Contains(string(s.KeyLog()), s.Ephemeral.Base64()) {
		t.Error("the key log has no ephemeral key")
	}
}
