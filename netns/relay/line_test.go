package relay

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A line returns the same frames in the same order as a list of copies, for random lengths and
// after the ring and the slab have wrapped many times.
func TestLineIsAQueue(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	l := newLine(64, 4096, 1500)
	batch := make([][]byte, 0, 8)
	var want [][]byte
	var departs []int64
	now, pushed, refused := int64(0), 0, 0
	for pushed < 20000 {
		now++
		frame := bytes.Repeat([]byte{byte(pushed)}, 1+random.IntN(400))
		if l.hasRoom(len(frame)) {
			copies := 1 + random.IntN(2)
			l.push(frame, decision{depart: now + 5, copies: copies})
			for range copies {
				want, departs = append(want, frame), append(departs, now+5)
			}
			pushed++
		} else {
			refused++
		}
		if random.IntN(4) == 0 { // rarely enough for the line to fill up
			batch = l.due(batch[:0], now)
			n := random.IntN(len(batch) + 1)
			for i, frame := range batch[:n] {
				if !bytes.Equal(frame, want[i]) || departs[i] > now {
					t.Fatalf("seed %d: after %d frames: %d bytes of %d at %d, want %d bytes of %d at %d",
						seed, pushed, len(frame), frame[0], now, len(want[i]), want[i][0], departs[i])
				}
			}
			l.sent(n)
			want, departs = want[n:], departs[n:]
		}
	}
	if refused == 0 {
		t.Error("it never was full")
	}
}

func TestHeldFrameFollows(t *testing.T) {
	l := newLine(8, 1024, 100)
	l.push([]byte("held"), decision{depart: 1, copies: 1, hold: true})
	if !l.empty() {
		t.Fatal("a held frame is on its way")
	}
	l.push([]byte("bad"), decision{depart: 2, copies: 1, corrupt: true})
	l.push([]byte("two"), decision{depart: 3, copies: 2, release: true})
	got := bytes.Join(l.due(make([][]byte, 0, 8), 3), []byte(" "))
	if want := "ba\x9b two two held"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// If a batch has room for only one copy of a doubled frame, both copies go into the next batch.
func TestBatchesAreBounded(t *testing.T) {
	l := newLine(8, 1024, 100)
	for range 3 {
		l.push([]byte("x"), decision{copies: 2})
	}
	if n := len(l.due(make([][]byte, 0, 5), 0)); n != 4 {
		t.Errorf("%d frames in a batch of 5, want 4", n)
	}
	l.sent(3) // one copy of the second frame remains
	if n := len(l.due(make([][]byte, 0, 5), 0)); n != 3 {
		t.Errorf("%d frames left, want 3", n)
	}
}

// The line can use every byte of the slab and every entry, except one entry for a held frame.
func TestLineFillsUp(t *testing.T) {
	l := newLine(16, 1000, 100)
	n := 0
	for ; l.hasRoom(100); n++ {
		l.push(make([]byte, 100), decision{copies: 1, depart: int64(n)})
	}
	if n != 10 {
		t.Errorf("%d frames of 100 bytes in 1000", n)
	}
	l.sent(1)
	if !l.hasRoom(100) || l.hasRoom(101) {
		t.Error("the room of the first frame is not free, or too much of it is")
	}
	l = newLine(16, 1000, 100)
	for n = 0; l.hasRoom(1); n++ {
		l.push([]byte{1}, decision{copies: 1})
	}
	if n != 15 { // one entry is reserved for a held frame
		t.Errorf("%d frames in 16 entries, want 15", n)
	}
}

func TestLineAllocatesNothing(t *testing.T) {
	l := newLine(64, 8192, 100)
	frame, batch := make([]byte, 60), make([][]byte, 0, 64)
	if n := testing.AllocsPerRun(1000, func() {
		l.push(frame, decision{copies: 1, hold: true})
		for range 8 {
			l.push(frame, decision{copies: 2, corrupt: true, release: l.held != nil})
		}
		l.sent(len(l.due(batch[:0], 0)))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
