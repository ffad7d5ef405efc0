package wire

import (
	"math"
	"math/rand/v2"
	"testing"
)

// windowSet is the simplest replay window: a set of numbers and the newest number.
type windowSet struct {
	newest uint64
	seen   map[uint64]bool
}

func (o *windowSet) accept(sequence uint64) error {
	switch {
	case sequence <= o.newest && o.newest-sequence >= WindowSize:
		return ErrOld
	case o.seen[sequence]:
		return ErrReplay
	}
	o.newest = max(o.newest, sequence)
	o.seen[sequence] = true
	return nil
}

func TestWindowAgainstSet(t *testing.T) {
	for _, start := range []uint64{0, 1, 1<<32 - 5000, 1<<63 - 5000, math.MaxUint64 - 40000} {
		rng := rand.New(rand.NewPCG(start, 1))
		var w Window
		o := windowSet{seen: map[uint64]bool{}}
		at := start
		for step := range 50000 {
			var sequence uint64
			switch rng.IntN(10) {
			case 0: // far behind, around the edge of the window
				sequence = at - min(at, WindowSize-100+rng.Uint64N(200))
			case 1: // a duplicate, or late
				sequence = at - min(at, rng.Uint64N(WindowSize))
			case 2: // a jump, now and then beyond the whole ring
				if rng.IntN(200) == 0 {
					at += min(math.MaxUint64-at, rng.Uint64N(3*WindowSize))
				}
				sequence = at
			default:
				at += min(math.MaxUint64-at, 1)
				sequence = at
			}
			if got, want := w.Accept(sequence), o.accept(sequence); got != want {
				t.Fatalf("start %d step %d: sequence %d, newest %d: %v, want %v", start, step, sequence, o.newest, got, want)
			}
		}
	}
}

func TestWindowEdges(t *testing.T) {
	var w Window
	const far = uint64(1) << 40
	steps := []struct {
		sequence uint64
		want     error
	}{
		{0, nil}, {0, ErrReplay}, {far, nil}, {far, ErrReplay},
		{far - WindowSize + 1, nil}, {far - WindowSize + 1, ErrReplay}, {far - WindowSize, ErrOld},
		{0, ErrOld}, {math.MaxUint64, nil}, {math.MaxUint64, ErrReplay}, {far, ErrOld},
	}
	for _, s := range steps {
		if got := w.Accept(s.sequence); got != s.want {
			t.Errorf("sequence %d: %v, want %v", s.sequence, got, s.want)
		}
	}
}

func BenchmarkWindow(b *testing.B) {
	var w Window
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		w.Accept(i)
	}
}
