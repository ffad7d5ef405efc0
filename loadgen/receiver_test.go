package loadgen

import (
	"bytes"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// frameOf is a frame as the sender would have written it, but for UDP's checksum.
func frameOf(t testing.TB, p Plan, s signature.Signature) []byte {
	t.Helper()
	frame, err := p.Streams[0].template(p.Size.OnVeth(), 0, int(s.Trial))
	if err != nil {
		t.Fatal(err)
	}
	s.Put(frame[p.Streams[0].layout().payload:])
	return frame
}

// receiverCases are frames of 200 octets and more for a receiver of either
// engine, handed to it at now or soon after.
func receiverCases(t *testing.T, p Plan, trial uint16, now uint64) [][]byte {
	offPayload := p.Streams[0].layout().payload
	good := func(sequence uint32) []byte {
		return frameOf(t, p, signature.Signature{Trial: trial, Sequence: sequence, SentAt: now})
	}
	damaged := func(at int) []byte {
		frame := good(50)
		frame[at] ^= 1
		return frame
	}
	late := frameOf(t, p, signature.Signature{Trial: trial, Sequence: 60, SentAt: now - uint64(p.Late) - 1e6})
	future := frameOf(t, p, signature.Signature{Trial: trial, Sequence: 61, SentAt: now + uint64(time.Hour)})
	beyond := frameOf(t, p, signature.Signature{Trial: trial, Sequence: uint32(p.Rate.Frames(p.Duration)), SentAt: now})
	return [][]byte{
		good(0), good(1), good(3), good(2), // 2 is reordered
		good(2), good(0), // duplicated
		good(64), good(63), good(10), // 63 and 10 are reordered
		late, // late, and distinct
		frameOf(t, p, signature.Signature{Trial: trial - 1, Sequence: 5, SentAt: now}),        // stale
		frameOf(t, p, signature.Signature{Trial: trial, Stream: 1, Sequence: 5, SentAt: now}), // of the other stream
		bytes.Repeat([]byte{7}, 100),                                                                                    // foreign
		make([]byte, 14),                                                                                                // foreign, and short
		damaged(offPayload + signature.Len - 1), damaged(offPayload + signature.ConstantLen), damaged(len(good(0)) - 1), // corrupted
		damaged(offPayload + signature.Len), damaged(offPayload + 90), good(51)[:190], // corrupted
		future, beyond, // corrupted: nobody sent these
	}
}

// checkCases checks what became of receiverCases.
func checkCases(t *testing.T, got StreamLedger) {
	t.Helper()
	want := StreamLedger{Received: 7, Late: 1, Duplicated: 2, Reordered: 4, Corrupted: 8, Stale: 1, Foreign: 3}
	if got.Received != want.Received || got.Late != want.Late || got.Duplicated != want.Duplicated || got.Reordered != want.Reordered ||
		got.Corrupted != want.Corrupted || got.Stale != want.Stale || got.Foreign != want.Foreign {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Latency.N != 8 {
		t.Errorf("latency of %d frames, want all 8 distinct ones", got.Latency.N)
	}
}

const someTime = uint64(1e15)

// receiverOf is a receiver of the plan's first stream in trial 7.
func receiverOf(t testing.TB, p Plan) (*receiver, *stamper) {
	t.Helper()
	s, err := newStamper(p, 0, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	frames := p.Rate.Frames(p.Duration)
	return newReceiver(s, frames, p.Late, make([]uint64, (frames+63)/64)), s
}

func sixPlan() Plan {
	p := goodPlan()
	p.Streams, p.IPv6 = []Stream{forward6()}, true
	return p
}

func TestReceiverBooksLikeTheKernel(t *testing.T) {
	for name, p := range map[string]Plan{"IPv4": goodPlan(), "IPv6": sixPlan()} {
		t.Run(name, func(t *testing.T) {
			p.Size = 200
			r, _ := receiverOf(t, p)
			for _, frame := range receiverCases(t, p, 7, someTime) {
				r.book(frameIn{frame, len(frame), someTime, someTime}, 0)
			}
			checkCases(t, r.ledger(p, p.Rate.Frames(p.Duration)))
		})
	}
}

func TestReceiverTimes(t *testing.T) {
	p := goodPlan()
	p.Size = 100
	r, _ := receiverOf(t, p)
	late := uint64(p.Late)
	for sequence, took := range []uint64{100, 300, late, late + 1} {
		frame := frameOf(t, p, signature.Signature{Trial: 7, Sequence: uint32(sequence), SentAt: someTime})
		r.book(frameIn{frame, len(frame), someTime + took, someTime + took}, someTime)
	}
	stalled := frameOf(t, p, signature.Signature{Trial: 7, Sequence: 4, SentAt: someTime - 1})
	r.book(frameIn{stalled, len(stalled), someTime, someTime}, someTime)
	early := frameOf(t, p, signature.Signature{Trial: 7, Sequence: 5, SentAt: someTime})
	r.book(frameIn{early, len(early), someTime - 90, someTime + 1}, someTime) // by two clocks
	cut := frameOf(t, p, signature.Signature{Trial: 7, Sequence: 6, SentAt: someTime})
	r.book(frameIn{cut[:len(cut)-1], len(cut), someTime, someTime}, someTime)
	l := r.ledger(p, 10)
	if l.Received != 5 || l.Late != 1 || l.Corrupted != 1 || l.Offered != 10 || l.Intended != p.Rate.Frames(p.Duration) {
		t.Errorf("%+v", l)
	}
	if l.Latency.N != 6 || l.LatencyQuiet.N != 5 || l.Latency.Min != 0 || l.Latency.Max != p.Late+1 || l.Span != p.Late+1-100 {
		t.Errorf("latency %+v, quiet %+v, span %v", l.Latency, l.LatencyQuiet, l.Span)
	}
}

func TestReceiverAllocatesNothing(t *testing.T) {
	p := goodPlan()
	r, _ := receiverOf(t, p)
	frame := frameOf(t, p, signature.Signature{Trial: 7, Sequence: 1, SentAt: someTime})
	if n := testing.AllocsPerRun(100, func() { r.book(frameIn{frame, len(frame), someTime, someTime}, 0) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// FuzzReceiver books any octets exactly once, reads no further and changes nothing.
func FuzzReceiver(f *testing.F) {
	p := goodPlan()
	whole := frameOf(f, p, signature.Signature{Trial: 7, Sequence: 42, SentAt: someTime})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 1))
	f.Add(frameOf(f, p, signature.Signature{Trial: 6, Sequence: 42, SentAt: someTime}))
	f.Add(frameOf(f, p, signature.Signature{Trial: 7, Stream: 1, Sequence: 42, SentAt: someTime}))
	f.Add(frameOf(f, p, signature.Signature{Trial: 7, Sequence: 42, SentAt: someTime - uint64(p.Late) - 1}))
	damaged := bytes.Clone(whole)
	damaged[bytes.Index(whole, []byte("tb"))+5] ^= 1
	f.Add(damaged)
	f.Add([]byte{})
	later := frameOf(f, p, signature.Signature{Trial: 7, Sequence: 43, SentAt: someTime - 2})
	p.Traffic.TagFrom = time.Nanosecond
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _ := receiverOf(t, p)
		r.delays = newDelays(p)
		r.book(frameIn{later, len(later), someTime - 1, someTime}, 0)
		r.witness = newWitness(p.Size.OnVeth())
		input := oracle.Exact(data)
		for range 2 {
			r.book(frameIn{input, len(input), someTime, someTime}, 0)
		}
		oracle.Untouched(input, data)
		if sum := r.back() + r.Duplicated + r.Corrupted + r.Stale + r.Foreign; sum != 3 {
			t.Fatalf("three frames were booked %d times: %+v", sum, r.StreamLedger)
		}
		if r.back() < 1 || r.back() > 2 || r.back() == 2 && (r.Duplicated != 1 || len(data) != p.Size.OnVeth()) {
			t.Fatalf("%+v", r.StreamLedger)
		}
	})
}
