package reference

import "testing"

// BenchmarkFlood is what a message of a flood costs an end, answers included (but for the system calls).
func BenchmarkFlood(b *testing.B) {
	for _, kind := range floodKinds {
		b.Run(kind.String(), func(b *testing.B) {
			p, stranger, messages := flooded(b, kind)
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
