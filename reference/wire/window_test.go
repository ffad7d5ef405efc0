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
	row    []uint64 // old numbers since the last accepted number, each higher than the one before
}

func (o *windowSet) accept(sequence uint64) error {
	switch {
	case sequence <= o.newest && o.newest-sequence > WindowSize:
		if o.newest-sequence < RestartGap || !o.restart(sequence) {
			return ErrOld
		}
	case o.seen[sequence]:
		return ErrReplay
	}
	o.newest = max(o.newest, sequence)
	o.seen[sequence] = true
	o.row = nil
	return nil
}

// restart reports whether sequence completes a row of old numbers, and then forgets everything.
func (o *windowSet) restart(sequence uint64) bool {
	if n := len(o.row); n > 0 {
		last := o.row[n-1]
		if sequence <= last && last-sequence < WindowSize {
			return false
		}
		if sequence < last || sequence-last > WindowSize {
			o.row = nil
		}
	}
	if o.row = append(o.row, sequence); len(o.row) < RestartRow {
		return false
	}
	o.newest, o.seen = sequence, map[uint64]bool{}
	return true
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
			case 9: // the sender starts again at a lower number
				if rng.IntN(500) == 0 {
					at -= min(at, rng.Uint64N(4*RestartGap))
				}
				sequence = at
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
		{far - WindowSize, nil}, {far - WindowSize, ErrReplay}, {far - WindowSize - 1, ErrOld},
		{0, ErrOld}, {math.MaxUint64, nil}, {math.MaxUint64, ErrReplay}, {far, ErrOld},
	}
	for _, s := range steps {
		if got := w.Accept(s.sequence); got != s.want {
			t.Errorf("sequence %d: %v, want %v", s.sequence, got, s.want)
		}
	}
}

// rising returns n numbers from first, step apart.
func rising(first uint64, n int, step uint64) (row []uint64) {
	for i := range uint64(n) {
		row = append(row, first+i*step)
	}
	return row
}

func TestWindowFollowsARestart(t *testing.T) {
	t.Parallel()
	const far = uint64(1) << 62
	cases := map[string]struct {
		row      []uint64
		accepted int
		restarts uint64
	}{
		"a row":                    {rising(1000, RestartRow, 1), 1, 1},
		"one less":                 {rising(1000, RestartRow-1, 1), 0, 0},
		"and on":                   {rising(1000, RestartRow+9, 1), 10, 1},
		"with gaps":                {rising(1000, RestartRow, WindowSize), 1, 1},
		"gaps too wide":            {rising(1000, 10*RestartRow, WindowSize+1), 0, 0},
		"one number":               {rising(1000, 10*RestartRow, 0), 0, 0},
		"falling":                  {rising(1<<40, 10*RestartRow, ^uint64(0)), 0, 0},
		"falling far":              {rising(1<<40, 10*RestartRow, math.MaxUint64-WindowSize+1), 0, 0},
		"pairs in the wrong order": {[]uint64{2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23, 26, 25, 28, 27, 30, 29, 32, 31}, 2, 1},
		"from 0 after the highest": {rising(0, RestartRow, 1), 1, 1},
		"a newer one between":      {append(append(rising(1000, RestartRow-1, 1), far+1), rising(2000, RestartRow-1, 1)...), 1, 0},
		"a replay between":         {append(append(rising(1000, RestartRow-1, 1), far), 2000), 1, 1},
		"a train that comes late":  {rising(far-15000, 63, 1), 0, 0},
		"nearer than the gap":      {rising(far-RestartGap+1, RestartRow, 1), 0, 0},
		"as far as the gap":        {rising(far-RestartGap-RestartRow+1, RestartRow, 1), 1, 1},
		"twice":                    {append(append(rising(1000, RestartRow, 1), far), rising(1000, RestartRow, 1)...), 3, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := Window{newest: far}
			w.Accept(far)
			accepted := 0
			for _, sequence := range c.row {
				if w.Accept(sequence) == nil {
					accepted++
				}
			}
			if accepted != c.accepted || w.Restarts() != c.restarts {
				t.Errorf("accepted %d with %d restarts, want %d with %d", accepted, w.Restarts(), c.accepted, c.restarts)
			}
		})
	}
}

func BenchmarkWindow(b *testing.B) {
	var w Window
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		w.Accept(i)
	}
}

// A fixed window stays where it is, however many old numbers come in a row.
func TestFixedWindow(t *testing.T) {
	t.Parallel()
	const far = 1 << 40
	w := Window{Fixed: true}
	w.Accept(far)
	for i := range 10 * RestartRow {
		if err := w.Accept(uint64(i)); err != ErrOld {
			t.Fatalf("number %d: %v", i, err)
		}
	}
	if w.Restarts() != 0 {
		t.Error("it has moved down")
	}
}
