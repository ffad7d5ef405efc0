package afpacket

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

const someTime = uint64(1e15)

// receiverOf returns a receiver and a stamper for the plan's first stream in trial 7.
func receiverOf(t testing.TB, p loadgen.Plan) (*receiver, *stamper) {
	t.Helper()
	s, err := newStamper(p, 0, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	frames := p.Load.Frames(p.Duration)
	return newReceiver(s, frames, p.LossTimeout, make([]uint64, (frames+63)/64)), s
}

func TestReceiverClassifiesLikeTheKernel(t *testing.T) {
	for name, p := range map[string]loadgen.Plan{"IPv4": enginetest.Plan(), "IPv6": enginetest.Plan6()} {
		t.Run(name, func(t *testing.T) {
			p.Size = 200
			r, _ := receiverOf(t, p)
			for _, frame := range enginetest.ReceiverCases(t, p, 7, someTime) {
				r.add(frameIn{frame, len(frame), someTime, someTime}, 0)
			}
			enginetest.CheckCases(t, r.ledger(p, p.Load.Frames(p.Duration)))
		})
	}
}

func TestReceiverTimes(t *testing.T) {
	p := enginetest.Plan()
	p.Size = 100
	r, _ := receiverOf(t, p)
	late := uint64(p.LossTimeout)
	for sequence, took := range []uint64{100, 300, late, late + 1} {
		frame := enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: uint32(sequence), SentAt: someTime})
		r.add(frameIn{frame, len(frame), someTime + took, someTime + took}, someTime)
	}
	stalled := enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: 4, SentAt: someTime - 1})
	r.add(frameIn{stalled, len(stalled), someTime, someTime}, someTime)
	early := enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: 5, SentAt: someTime})
	r.add(frameIn{early, len(early), someTime - 90, someTime + 1}, someTime) // the receive time is before the send time
	cut := enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: 6, SentAt: someTime})
	r.add(frameIn{cut[:len(cut)-1], len(cut), someTime, someTime}, someTime)
	l := r.ledger(p, 10)
	if l.Received != 5 || l.Late != 1 || l.Corrupted != 1 || l.Offered != 10 || l.Intended != p.Load.Frames(p.Duration) {
		t.Errorf("%+v", l)
	}
	if l.Latency.N != 6 || l.LatencyQuiet.N != 5 || l.Latency.Min != 0 || l.Latency.Max != p.LossTimeout+1 || l.Span != p.LossTimeout+1-100 {
		t.Errorf("latency %+v, quiet %+v, span %v", l.Latency, l.LatencyQuiet, l.Span)
	}
}

func TestReceiverAllocatesNothing(t *testing.T) {
	p := enginetest.Plan()
	r, _ := receiverOf(t, p)
	frame := enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: 1, SentAt: someTime})
	if n := testing.AllocsPerRun(100, func() { r.add(frameIn{frame, len(frame), someTime, someTime}, 0) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzReceiver checks that the receiver counts any input exactly once, does not read beyond its end
// and does not change it.
func FuzzReceiver(f *testing.F) {
	p := enginetest.Plan()
	whole := enginetest.Frame(f, p, signature.Signature{Trial: 7, Sequence: 42, SentAt: someTime})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 1))
	f.Add(enginetest.Frame(f, p, signature.Signature{Trial: 6, Sequence: 42, SentAt: someTime}))
	f.Add(enginetest.Frame(f, p, signature.Signature{Trial: 7, Stream: 1, Sequence: 42, SentAt: someTime}))
	f.Add(enginetest.Frame(f, p, signature.Signature{Trial: 7, Sequence: 42, SentAt: someTime - uint64(p.LossTimeout) - 1}))
	damaged := bytes.Clone(whole)
	damaged[bytes.Index(whole, []byte("tb"))+5] ^= 1
	f.Add(damaged)
	f.Add([]byte{})
	later := enginetest.Frame(f, p, signature.Signature{Trial: 7, Sequence: 43, SentAt: someTime - 2})
	p.TagFrom = time.Nanosecond
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _ := receiverOf(t, p)
		r.delays = newDelays(p)
		r.add(frameIn{later, len(later), someTime - 1, someTime}, 0)
		r.capture = newCapture(p.Size.OnVeth())
		input := oracle.Exact(data)
		for range 2 {
			r.add(frameIn{input, len(input), someTime, someTime}, 0)
		}
		oracle.Untouched(input, data)
		if sum := r.back() + r.Duplicated + r.Corrupted + r.Stale + r.Foreign; sum != 3 {
			t.Fatalf("three frames were counted %d times: %+v", sum, r.StreamLedger)
		}
		if r.back() < 1 || r.back() > 2 || r.back() == 2 && (r.Duplicated != 1 || len(data) != p.Size.OnVeth()) {
			t.Fatalf("%+v", r.StreamLedger)
		}
	})
}

// A skipped sequence number is a gap, whether the frame is lost or arrives later (RFC 2544 section
// 10).
func TestReceiverCountsGaps(t *testing.T) {
	p := enginetest.Plan()
	p.Size, p.Load, p.Duration = 200, 1000, 8*time.Millisecond
	p.TagFrom = time.Millisecond
	stamper, err := newStamper(p, 0, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(stamper, 8, p.LossTimeout, make([]uint64, 1))
	r.delays = newDelays(p)
	for i, sequence := range []uint32{0, 1, 3, 2, 4, 4, 7} {
		at := someTime + uint64(i)*1000
		r.add(frameIn{data: enginetest.Frame(t, p, signature.Signature{Trial: 7, Sequence: sequence, SentAt: at - 50 - uint64(i)}), length: p.Size.OnVeth(), at: at, read: at}, 0)
	}
	l := r.ledger(p, 8)
	if l.Received != 6 || l.Duplicated != 1 || l.Reordered != 1 || l.Gaps != 2 || l.Offered-l.Received != 2 {
		t.Errorf("%+v", l)
	}
	l.RecordLastLost(p.Pace(), nil, func(i uint64) uint64 { return r.seen[i] })
	if l.LastLost == nil || *l.LastLost != 6*time.Millisecond {
		t.Errorf("the last one lost was sent at %v, want 6ms", l.LastLost)
	}
	want := []time.Duration{51, 53, 52, 54, rfc2544.TagLost, rfc2544.TagLost, 56}
	if got := p.TagDelays(r.delays.tags, 8); !slices.Equal(got, want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	if v := r.delays.differences.Summary(); v == nil || *v != (rfc2544.Variation{N: 2, Min: 1, Median: 1, Max: 2}) { // differences of the frames 0 and 1, and 3 and 4
		t.Errorf("variation %+v", v)
	}
}
