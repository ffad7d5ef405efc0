package reference

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// hub is a sealed end with a session with each of its peers.
type hub struct {
	*End
	packets [][]byte // one to each peer
}

// newHub returns an end with peers, of which the first so many have a session.
func newHub(tb testing.TB, peers, live int) *hub {
	tb.Helper()
	now := time.Unix(1e9, 0)
	key := wireguard.PrivateKey{8, 1}
	cfg := settings.Defaults(settings.TUN)
	cfg.Dev, cfg.Listen, cfg.Private = "wg", leftAddr, key
	keys := make([]wireguard.PrivateKey, peers)
	h := &hub{}
	for i := range keys {
		keys[i] = wireguard.PrivateKey{8, byte(i), byte(i >> 8), 9} // the lowest bits of the first byte do not count
		inside := [4]byte{10, 2, byte(i >> 8), byte(i)}
		cfg.Peers = append(cfg.Peers, settings.Peer{
			ID: uint32(i + 1), Public: keys[i].Public(), Endpoint: netip.AddrPortFrom(rightAddr.Addr(), uint16(1000+i)),
			Prefixes: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4(inside), 32)},
		})
		h.packets = append(h.packets, packetBetween(behindLeft, inside, 60))
	}
	var sent [][]byte
	end, err := NewEnd(cfg, 1, func([]byte) {}, func(_ netip.AddrPort, m []byte) { sent = append(sent, bytes.Clone(m)) })
	if err != nil {
		tb.Fatal(err)
	}
	h.End = end
	end.Control(now)
	for i := range live {
		spoke, err := wireguard.New(wireguard.Config{Private: keys[i], MTU: 1420, Random: zeros{}})
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := spoke.SetPeer(now, wireguard.PeerConfig{Public: key.Public(), Endpoint: leftAddr}); err != nil {
			tb.Fatal(err)
		}
		end.Encap(h.packets[i])
		end.Control(now)
		for _, m := range sent {
			answers, _ := spoke.Handshake(now, m, leftAddr, false)
			for _, a := range answers {
				end.Decap(netip.AddrPortFrom(rightAddr.Addr(), uint16(1000+i)), a.Datagram, 0)
			}
		}
		sent = sent[:0]
		end.Control(now)
	}
	end.conn.sendTo = func(netip.AddrPort, []byte) {}
	return h
}

// zeros is a source of "random" bytes for a spoke that only answers.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// BenchmarkSealedPeers seals batches for one peer of many, and for all of them in turn.
func BenchmarkSealedPeers(b *testing.B) {
	for _, c := range []struct{ peers, live int }{{1, 1}, {1000, 1}, {1000, 1000}} {
		b.Run(fmt.Sprintf("peers=%d/live=%d", c.peers, c.live), func(b *testing.B) {
			h := newHub(b, c.peers, c.live)
			batch, waiting, at := newBatch(h.tunnel.format.layout(), frameBatch), make([][]byte, frameBatch), 0
			b.ReportAllocs()
			packets := 0
			for b.Loop() {
				for i := range waiting {
					waiting[i] = h.packets[at%c.live]
					at++
				}
				h.port.waiting = waiting
				step(h.tunnel.outbound(), batch)
				packets += batch.len()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(packets), "ns/packet")
			if s := h.Stats().Encap; s.Drops.Sum() > 0 {
				b.Fatalf("%v", s)
			}
		})
	}
}
