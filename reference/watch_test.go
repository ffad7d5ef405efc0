package reference

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/events"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// withPeers returns a sealed end that has so many peers, each with an endpoint.
func withPeers(tb testing.TB, n int) *End {
	tb.Helper()
	p := newSealedPair(tb)
	var c roster.Change
	for i := range n {
		key := wireguard.PrivateKey{1, 2, 3}
		binary.BigEndian.PutUint32(key[4:], uint32(i))
		inner := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		c.Peers = append(c.Peers, roster.PeerChange{
			Public: key.Public(), Endpoint: netip.AddrPortFrom(inner, 51820), Prefixes: []roster.PrefixChange{{Prefix: netip.PrefixFrom(inner, 32)}},
		})
	}
	if err := p.left.Change(c); err != nil {
		tb.Fatal(err)
	}
	return p.left
}

// BenchmarkWatch is a look of the watcher at a tunnel with many peers, which it takes once a second.
func BenchmarkWatch(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := withPeers(b, n)
			w := events.NewWatcher(slog.New(slog.NewTextHandler(io.Discard, nil)))
			w.Look(time.Now(), e.tunnel.Totals(), e.tunnel.Glances())
			b.ReportAllocs()
			for b.Loop() {
				w.Look(time.Now(), e.tunnel.Totals(), e.tunnel.Glances())
			}
		})
	}
}
