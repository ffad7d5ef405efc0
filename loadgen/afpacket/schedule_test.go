package afpacket

import (
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// play runs the schedule and calls look every step ns. away holds the length of stalls in ns, by the
// number of the call. play returns the send times of the frames of each stream.
func play(s *schedule, step uint64, away map[int]uint64) (sent [2][]uint64) {
	now := someTime
	for i := 0; s.look(now); i++ {
		for {
			stream, sequence, ok := s.next(now)
			if !ok {
				break
			}
			if sequence != uint64(len(sent[stream])) {
				panic("a number is left out")
			}
			sent[stream] = append(sent[stream], now-someTime)
		}
		now += step + away[i]
	}
	return sent
}

func scheduled(rate rfc2544.Rate, d time.Duration) loadgen.Plan {
	p := enginetest.Plan()
	p.Load, p.Duration = rate, d
	return p
}

func TestScheduleIsAbsolute(t *testing.T) {
	s := newSchedule(scheduled(10e3, 10*time.Millisecond), 1<<20, 3)
	sent := play(s, 1000, nil)[0]
	if len(sent) != 100 {
		t.Fatalf("%d frames, want 100", len(sent))
	}
	for n, at := range sent {
		if due := uint64(n) * 100e3; at < due || at >= due+1000 {
			t.Errorf("frame %d was sent at %d, due at %d", n, at, due)
		}
	}
	if d := s.end - s.start; d != 10e6 { // includes the interval after the last frame
		t.Errorf("the trial took %d ns, want 10 ms", d)
	}
	if l := s.lateness[0].Distribution(); l.N != 100 || l.Max >= 1000 {
		t.Errorf("lateness %+v", l)
	}
}

// If sending takes too long, the delayed frames are sent immediately, and the schedule does not
// shift.
func TestSchedulePathIsLate(t *testing.T) {
	s := newSchedule(scheduled(10e3, 10*time.Millisecond), 1<<20, 3)
	s.look(someTime)
	s.next(someTime)
	now := someTime + 2e6 // sending took 2 ms
	s.worked(now)
	s.look(now)
	n := 0
	for _, _, ok := s.next(now); ok; _, _, ok = s.next(now) {
		n++
	}
	if n != 20 || s.paused != 0 || len(s.stalls) != 0 || s.work != 2e6 {
		t.Errorf("%d frames at once, paused %d, %d stalls, work %d; want 20, 0, 0, 2 ms", n, s.paused, len(s.stalls), s.work)
	}
}

// A stall pauses the schedule and is in the list of stalls.
func TestSchedulePauses(t *testing.T) {
	const away = 3e6
	s := newSchedule(scheduled(10e3, 10*time.Millisecond), 1<<20, 3)
	sent := play(s, 1000, map[int]uint64{2050: away, 4050: uint64(loadgen.StallLimit) - 1000})[0]
	if len(sent) != 100 || s.paused != away+1000 || len(s.stalls) != 1 {
		t.Fatalf("%d frames, paused %d, stalls %v", len(sent), s.paused, s.stalls)
	}
	want := rfc2544.Stall{At: 2050e3, Length: away + 1000, CPU: 3, Side: rfc2544.SideTester}
	if s.stalls[0] != want {
		t.Errorf("stall %+v, want %+v", s.stalls[0], want)
	}
	if s.end-s.start-s.paused != 10e6 {
		t.Errorf("the trial took %d ns and %d of pauses", s.end-s.start, s.paused)
	}
	if quiet := s.quietSince - s.start; quiet != 10e6 { // the stall ended at 5.05 ms, in the first slice
		t.Errorf("quiet since %d ns, want 10 ms", quiet)
	}
	if all, quiet := s.lateness[0].Distribution(), s.lateness[1].Distribution(); all.N != 100 || quiet.N >= all.N {
		t.Errorf("lateness %+v, quiet %+v", all, quiet)
	}
}

func TestScheduleStreamsTakeTurns(t *testing.T) {
	p := scheduled(10e3, 10*time.Millisecond)
	p.Streams = append(p.Streams, p.Streams[0])
	sent := play(newSchedule(p, 1<<20, 3), 1000, nil)
	if len(sent[0]) != 100 || len(sent[1]) != 100 {
		t.Fatalf("%d and %d frames", len(sent[0]), len(sent[1]))
	}
	for n := range sent[0] {
		if gap := sent[1][n] - sent[0][n]; gap < 49e3 || gap > 51e3 {
			t.Errorf("frame %d: %d ns apart, want half an interval", n, gap)
		}
	}
}

func TestScheduleReverse(t *testing.T) {
	p := scheduled(10e3, 10*time.Millisecond)
	p.Reverse = true
	if sent := play(newSchedule(p, 1<<20, 3), 1000, nil); len(sent[0]) != 0 || len(sent[1]) != 100 {
		t.Errorf("%d and %d frames", len(sent[0]), len(sent[1]))
	}
}

func TestScheduleFloods(t *testing.T) {
	flood := func(most uint64, away map[int]uint64) (*schedule, int) {
		s := newSchedule(scheduled(rfc2544.Flood, 10*time.Millisecond), most, 3)
		now, n := someTime, 0
		for i := 0; s.look(now); i++ {
			if _, _, ok := s.next(now); ok {
				n++
			}
			now += 1000 + away[i]
		}
		return s, n
	}
	if s, n := flood(1<<20, nil); n != 10000 || s.lateness[0].Distribution() != nil {
		t.Errorf("%d frames", n)
	}
	if _, n := flood(500, nil); n != 500 {
		t.Errorf("%d frames, the ledger holds 500", n)
	}
	if s, n := flood(1<<20, map[int]uint64{5: 2e6}); n > 8000 || s.paused != 0 || len(s.stalls) != 1 {
		t.Errorf("%d frames, paused %d, %d stalls: a flood has nothing to pause", n, s.paused, len(s.stalls))
	}
}

// Delayed frames may be sent until loadgen.SendGrace after the end of the trial.
func TestScheduleEnds(t *testing.T) {
	s := newSchedule(scheduled(1e6, 10*time.Millisecond), 1<<20, 3)
	now, n := someTime, 0
	for s.look(now) {
		s.next(now)
		n++
		now += 100e3
	}
	if d := s.end - s.start; d != uint64(10*time.Millisecond+loadgen.SendGrace) || n != 300 {
		t.Errorf("%d frames in %d ns", n, d)
	}
	for range loadgen.MaxStalls + 5 {
		s.stall(1000, now)
	}
	if len(s.stalls) != loadgen.MaxStalls || s.stallsBeyond != 5 {
		t.Errorf("%d stalls, %d beyond", len(s.stalls), s.stallsBeyond)
	}
}

// The schedule sends each frame at the time that the pace gives.
func TestScheduleFollowsPace(t *testing.T) {
	for name, c := range map[string]struct {
		traffic rfc2544.Traffic
		frames  int
	}{
		"constant": {rfc2544.Traffic{}, 100},
		"step":     {rfc2544.Traffic{Step: 5e3, StepAt: 4 * time.Millisecond}, 70},
		"bursts":   {rfc2544.Traffic{Burst: 10, BurstRate: 50e3}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			p := scheduled(10e3, 10*time.Millisecond)
			p.Traffic = c.traffic
			sent := play(newSchedule(p, 1<<20, 3), 500, nil)[0]
			if len(sent) != c.frames {
				t.Fatalf("%d frames sent, want %d", len(sent), c.frames)
			}
			for n, at := range sent {
				if due := uint64(p.Pace().Due(uint64(n))); at+1 < due || at > due+2000 {
					t.Errorf("frame %d sent at %d ns, due at %d", n, at, due)
				}
			}
		})
	}
}
