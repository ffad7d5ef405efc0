package reference

import (
	"net"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// A sealed end that listens on any address reaches peers of both families, with segmentation too, and answers where
// a datagram came from.
func TestAnyAddressTakesBothFamilies(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, gso := range []bool{true, false} {
			_, far := loopback(t, host, gso, true)
			cfg := goodConfig()
			cfg.Private, cfg.GSO = wireguard.PrivateKey{8, 1}, gso
			cfg.Listen, cfg.Peers = freePort(t, "::"), onePeer(far.LocalAddr().(*net.UDPAddr).AddrPort())
			cfg.Peers[0].Public = wireguard.PrivateKey{8, 2}.Public()
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			c := openLocal(t, cfg)
			b := mixed(c.peers.all()[0])
			if sent := c.send(b); sent != b.len() || c.out.segments() != gso {
				t.Errorf("%s gso=%v: sent %d of %d, segmenting is %v", host, gso, sent, b.len(), c.out.segments())
			}
			checkArrival(t, far, b)
			if _, err := far.WriteToUDPAddrPort([]byte("there"), netip.AddrPortFrom(netip.MustParseAddr(host), cfg.Listen.Port())); err != nil {
				t.Fatal(err)
			}
			messages, err := c.receive()
			if err != nil || len(messages) != 1 || string(messages[0].data) != "there" {
				t.Fatalf("%s: received %d messages, %v", host, len(messages), err)
			}
			if got, want := messages[0].source, far.LocalAddr().(*net.UDPAddr).AddrPort(); got.Addr() != want.Addr().Unmap() || got.Port() != want.Port() {
				t.Errorf("%s: the source is %v, want %v", host, got, want)
			}
			b = mixed(c.peers.all()[0])
			for i := range b.datagrams {
				b.datagrams[i].to = newEndpoint(messages[0].source)
			}
			if sent := c.send(b); sent != b.len() || c.out.segments() != gso {
				t.Errorf("%s gso=%v: sent back %d of %d, segmenting is %v", host, gso, sent, b.len(), c.out.segments())
			}
			checkArrival(t, far, b)
		}
	}
}
