package reference

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
)

// BenchmarkFlood is what a message of a flood costs an end, answers included (but for the system calls).
func BenchmarkFlood(b *testing.B) {
	for _, kind := range []mutate.Kind{mutate.Junk, mutate.WireGuardMAC, mutate.WireGuardForged, mutate.WireGuardReplay, mutate.WireGuardTag, mutate.WireGuardIndex} {
		b.Run(kind.String(), func(b *testing.B) {
			p := newSealedPair(b)
			var initiation, answer []byte
			p.left.Encap(packetBetween(behindLeft, behindRight, 60))
			p.left.Control(p.now)
			initiation = p.toRight[0]
			p.right.Decap(leftAddr, append([]byte(nil), initiation...), 0)
			p.right.Control(p.now)
			answer = p.toLeft[0]
			p.settle()
			session := &mutate.Session{Receiver: p.rightKey.Public(), Initiation: initiation, Index: binary.LittleEndian.Uint32(answer[4:])}
			stranger := netip.MustParseAddrPort("192.0.2.9:6666")
			s := mutate.New(1, kind, mutate.Path{From: []netip.AddrPort{stranger}, To: rightAddr.Addr(), Ports: []uint16{51820}, MTU: 1500, Session: session})
			var messages [][]byte
			for range 64 {
				messages = append(messages, s.Next(nil)[14+20+8:])
			}
			p.right.conn.sendTo = func(netip.AddrPort, []byte) {}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for _, m := range messages {
					p.right.Decap(stranger, m, 0)
				}
				p.right.Control(p.now)
				n += len(messages)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
		})
	}
}
