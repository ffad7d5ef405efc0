package relay

import (
	"math"
	"testing"
	"time"
)

func signed(n int) facts { return facts{length: 64, signed: true, trial: 1, sequence: uint32(n)} }

// pass sends the frames 0 to n-1 through a new lane, with interval ns between two frames.
func pass(c Config, n int, interval int64) (*lane, []decision) {
	l := newLane(c, 0, &trialClock{})
	var all []decision
	for i := range n {
		all = append(all, l.admit(int64(i)*interval, signed(i)))
	}
	return l, all
}

func TestNothingIsDone(t *testing.T) {
	_, all := pass(Config{}, 100, 1000)
	for i, d := range all {
		if d != (decision{depart: int64(i) * 1000, copies: 1}) {
			t.Fatalf("frame %d: %+v", i, d)
		}
	}
}

// If several patterns match a frame, only the first of drop, corrupt, dup and reorder applies.
func TestPatternsAndTheirOrder(t *testing.T) {
	c := Config{Drop: 7, Corrupt: 5, Dup: 3, Reorder: 2}
	_, all := pass(c, 420, 1000)
	for i, d := range all {
		n := i + 1
		want := decision{depart: int64(i) * 1000, copies: 1}
		switch {
		case n%7 == 0:
			want = decision{verdict: droppedByPattern}
		case n%5 == 0:
			want.corrupt = true
		case n%3 == 0:
			want.copies = 2
		}
		got := d
		got.hold, got.release = false, false
		if got != want {
			t.Fatalf("frame %d: %+v, want %+v", n, d, want)
		}
		if d.hold && (n%2 != 0 || n%3 == 0 || n%5 == 0 || n%7 == 0) {
			t.Errorf("frame %d is held", n)
		}
	}
}

// A held frame leaves after the next frame that is not corrupted. That frame is not held.
func TestReorder(t *testing.T) {
	l, all := pass(Config{Reorder: 2, Drop: 3, Corrupt: 5}, 10, 1000)
	// 1 passes, 2 is held, 3 dropped, 4 leads 2, 5 corrupted, 6 dropped, 7 passes, 8 held, 9 dropped, 10 corrupted.
	for i, want := range []string{"", "hold", "", "release", "", "", "", "hold", "", ""} {
		if got := map[bool]string{true: "hold"}[all[i].hold] + map[bool]string{true: "release"}[all[i].release]; got != want {
			t.Errorf("frame %d: %q, want %q", i+1, got, want)
		}
	}
	if _, ok := l.expire(7000 + holdLimit - 1); ok {
		t.Error("let go too early")
	}
	if depart, ok := l.expire(7000 + holdLimit); !ok || depart != 9000 {
		t.Errorf("goes on at %d, %t, want behind the frame of 9000", depart, ok)
	}
	if _, ok := l.expire(math.MaxInt64); ok || l.tally.behind != 2 {
		t.Errorf("let go twice, or %d held", l.tally.behind)
	}
}

// The effects without random numbers are the same in both directions and in every trial. Random
// losses differ between the directions, but are the same in every trial.
func TestTrialsRepeat(t *testing.T) {
	clock := &trialClock{}
	c := Config{Drop: 10, Loss: 0.3, Seed: 5, Outage: Outage{10 * time.Millisecond, 20 * time.Millisecond}}
	lanes := []*lane{newLane(c, 0, clock), newLane(c, 1, clock)}
	var verdicts [2][3][100]verdict
	for trial := range 3 {
		start := int64(trial) * int64(time.Second)
		for i := range 100 {
			for direction, l := range lanes {
				f := signed(i)
				f.trial = uint16(trial)
				d := l.admit(start+int64(i)*int64(time.Millisecond), f)
				verdicts[direction][trial][i] = d.verdict
				if out := i >= 10 && i < 30; out != (d.verdict == droppedByOutage) {
					t.Errorf("trial %d, %d ms: %v", trial, i, d.verdict)
				}
			}
		}
	}
	for direction := range lanes {
		if v := verdicts[direction]; v[0] != v[1] || v[1] != v[2] {
			t.Errorf("direction %d: trials differ", direction)
		}
	}
	if verdicts[0] == verdicts[1] {
		t.Error("both directions lose the same frames by chance")
	}
}

// Frames without a signature are numbered from 1 in the order of arrival. The outage happens only
// once.
func TestWithoutSignature(t *testing.T) {
	l := newLane(Config{Drop: 3, Outage: Outage{time.Second, time.Second}}, 0, &trialClock{})
	for i := range 9 {
		if d := l.admit(int64(i), facts{length: 64}); (d.verdict == droppedByPattern) != (i%3 == 2) {
			t.Errorf("frame %d: %+v", i, d)
		}
	}
	for at, want := range map[int64]bool{999: false, 1000: true, 1999: true, 2000: false, 5000: false} {
		l := newLane(Config{Outage: Outage{time.Second, time.Second}}, 0, &trialClock{})
		l.admit(0, facts{length: 64})
		if d := l.admit(at*int64(time.Millisecond), facts{length: 64}); (d.verdict == droppedByOutage) != want {
			t.Errorf("%d ms: %+v", at, d)
		}
	}
}

func TestLossAndJitter(t *testing.T) {
	const n = 100000
	c := Config{Loss: 0.01, Delay: time.Millisecond, Jitter: 1000, Seed: 3}
	_, all := pass(c, n, 2000)
	lost, sum, latest := 0, 0.0, int64(0)
	for i, d := range all {
		if d.verdict == droppedByChance {
			lost++
			continue
		}
		took := d.depart - int64(i)*2000 - int64(c.Delay)
		if took < 0 || took > 1000 || d.depart < latest {
			t.Fatalf("frame %d: jitter %d ns, departure %d after %d", i, took, d.depart, latest)
		}
		latest = d.depart
		sum += float64(took)
	}
	if mean := sum / float64(n-lost); math.Abs(mean-500) > 10 || lost < 900 || lost > 1100 {
		t.Errorf("mean jitter %f ns, want 500; %d lost, want about 1000", mean, lost)
	}
	_, all = pass(Config{Jitter: 1e6, Seed: 3}, 1000, 10)
	for i := range all[1:] {
		if all[i+1].depart < all[i].depart {
			t.Fatal("jitter changes the order")
		}
	}
	for share, want := range map[float64]bool{0: false, 1: true} {
		_, all := pass(Config{Loss: share}, 100, 1)
		for _, d := range all {
			if (d.verdict == droppedByChance) != want {
				t.Errorf("a loss of %g: %+v", share, d)
			}
		}
	}
}

// The rate limiter acts before the delay. Frames that are being delayed do not occupy the queue.
func TestRateAndDelay(t *testing.T) {
	l, all := pass(Config{Rate: Rate{PerSecond: 1e6}, Queue: 1, Delay: time.Second}, 100, 500)
	for i, d := range all {
		if passes := i < 3 || i%2 == 0; passes != (d.verdict == passed) {
			t.Errorf("frame %d: %+v", i, d)
		}
		if d.verdict == passed && d.depart%1000 != 0 {
			t.Errorf("frame %d leaves at %d", i, d.depart)
		}
	}
	if l.tally.verdicts[passed]+l.tally.verdicts[droppedByQueue] != 100 || l.tally.in != 100 {
		t.Errorf("%+v", l.tally)
	}
}

// If the receive time of a frame is earlier than that of the frame before, the departure times
// do not go back.
func TestArrivalsStayInOrder(t *testing.T) {
	l := newLane(Config{}, 0, &trialClock{})
	l.admit(1000, signed(0))
	if d := l.admit(900, signed(1)); d.depart != 1000 {
		t.Errorf("%+v", d)
	}
}

func TestAdmitAllocatesNothing(t *testing.T) {
	c := Config{Rate: Rate{PerSecond: 1e6}, Queue: 100, Jitter: 1e6, Drop: 7, Corrupt: 5, Dup: 3, Reorder: 2, Loss: 0.1}
	l := newLane(c, 0, &trialClock{})
	i := 0
	if n := testing.AllocsPerRun(10000, func() {
		l.admit(int64(i)*1000, signed(i))
		i++
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
