package afpacket

import (
	"bytes"
	"testing"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestStamperWritesWholeFrames(t *testing.T) {
	for name, base := range map[string]loadgen.Plan{"IPv4": enginetest.Plan(), "IPv6": enginetest.Plan6()} {
		for _, size := range []rfc2544.FrameSize{84, 85, 87, 1518, rfc2544.MaxFrame} {
			p := base
			p.Size, p.Flows, p.Networks = size, 5, 3
			s, err := newStamper(p, 0, 7, 2)
			if err != nil {
				t.Fatal(err)
			}
			_, flows, err := p.StreamFrames(0, 7)
			if err != nil {
				t.Fatal(err)
			}
			for n := range uint64(12) {
				sequence, now := n*0x1234567, someTime*n
				frame := s.buffers[n%2]
				s.write(frame, sequence, now)
				d := enginetest.Decode(t, frame) // checks the checksums
				got, err := signature.Parse(d.UDP.Payload)
				if want := (signature.Signature{Trial: 7, Sequence: uint32(sequence), SentAt: now}); err != nil || got != want {
					t.Errorf("%s, %d bytes: %+v, %v, want %+v", name, size, got, err, want)
				}
				if f := flows[sequence%5]; !bytes.Equal(frame[s.Head:s.Head+s.HeadLen], f.Head[:s.HeadLen]) {
					t.Errorf("%s, %d bytes: frame %d is not of its flow", name, size, sequence)
				}
				if behind := s.Payload + signature.Len; !bytes.Equal(frame[behind:], s.template[behind:]) {
					t.Errorf("%s, %d bytes: the payload changed", name, size)
				}
			}
		}
	}
}

func TestStamperAllocatesNothing(t *testing.T) {
	p := enginetest.Plan()
	p.Flows = 100
	s, err := newStamper(p, 0, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	if allocs := testing.AllocsPerRun(100, func() { s.write(s.buffers[0], n, someTime); n++ }); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkStamper(b *testing.B) {
	p := enginetest.Plan()
	p.Flows = 100
	s, err := newStamper(p, 0, 7, 1)
	if err != nil {
		b.Fatal(err)
	}
	for n := uint64(0); b.Loop(); n++ {
		s.write(s.buffers[0], n, someTime)
	}
}
