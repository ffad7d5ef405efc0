package afpacket

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// schedule says which frame is due, on times given: nanoseconds of one clock.
// It is the sending half of bpf/tester.c in Go.
type schedule struct {
	frames   uint64 // per stream
	pace     loadgen.Pace
	deadline uint64 // since the start, pauses left out
	first    int
	both     bool

	begun, over  bool
	start, end   uint64
	paused, work uint64
	last         uint64 // when the schedule was last looked at
	turn         int
	sent         [2]sentFrames
	lateness     [2]*loadgen.Histogram // all, and what no stall touched
	stalls       []rfc2544.Stall
	stallsBeyond uint64
	quietSince   uint64 // frames stamped before it met a stall
	testerCPU    int
}

// sentFrames is how far a stream is.
type sentFrames struct {
	n   uint64
	due uint64 // of frame n, since the start, in IntervalUnit
}

// newSchedule is the plan's; most is what a ledger holds per stream, which ends a flood.
func newSchedule(p loadgen.Plan, most uint64, cpu int) *schedule {
	s := &schedule{
		frames: p.Frames(), pace: p.Pace(), deadline: uint64(p.Duration + loadgen.SendGrace),
		first: p.First(), both: len(p.Streams) == 2, testerCPU: cpu,
		stalls: make([]rfc2544.Stall, 0, loadgen.MaxStalls),
	}
	if p.Load.IsFlood() {
		s.frames, s.deadline = most, uint64(p.Duration)
	}
	s.turn = s.first
	if s.both {
		s.sent[1].due = loadgen.Interval(p.Load) / 2 // they take turns
	}
	s.lateness = [2]*loadgen.Histogram{loadgen.NewHistogram(), loadgen.NewHistogram()}
	return s
}

// look begins a round at now and reports whether the trial goes on. Time since the last call that
// is not accounted for by worked is stolen time. If it exceeds the stall limit, the schedule
// pauses for that long.
func (s *schedule) look(now uint64) bool {
	if !s.begun {
		s.begun, s.start, s.last = true, now, now
	}
	if gap := now - s.last; gap > uint64(loadgen.StallLimit) {
		s.stall(gap, now)
	}
	s.last = now
	if elapsed := s.elapsed(now); !s.over && s.finished(elapsed) {
		s.over, s.end = true, now
	}
	return !s.over
}

// worked books the time since the last look as spent on sending, with the
// receive path that runs in its wake. However long, it is the path's.
func (s *schedule) worked(now uint64) {
	s.work += now - s.last
	s.last = now
}

func (s *schedule) stall(length, now uint64) {
	if s.pace.Interval != 0 {
		s.paused += length
	}
	slice := uint64(loadgen.SliceTime)
	s.quietSince = max(s.quietSince, now+slice-(now-s.start)%slice)
	if len(s.stalls) == cap(s.stalls) {
		s.stallsBeyond++
		return
	}
	s.stalls = append(s.stalls, rfc2544.Stall{
		At: time.Duration(now - length - s.start), Length: time.Duration(length), CPU: s.testerCPU, Side: rfc2544.SideTester,
	})
}

// elapsed is the schedule's time at now.
func (s *schedule) elapsed(now uint64) uint64 { return now - s.start - s.paused }

func (s *schedule) finished(elapsed uint64) bool {
	if elapsed >= s.deadline {
		return true
	}
	whole := s.frames
	if s.both {
		whole *= 2
	}
	// The last frame's interval is part of the trial.
	return s.sent[0].n+s.sent[1].n >= whole && elapsed >= s.sent[s.first].due/loadgen.IntervalUnit
}

// next returns the stream whose next frame is due at now and the number of that frame, and counts
// it as sent. Two streams take turns.
func (s *schedule) next(now uint64) (stream int, sequence uint64, ok bool) {
	stream = s.turn
	if !s.isDue(stream, now) {
		if stream ^= 1; !s.both || !s.isDue(stream, now) {
			return 0, 0, false
		}
	}
	f := &s.sent[stream]
	if s.pace.Interval != 0 {
		late := s.elapsed(now) - f.due/loadgen.IntervalUnit
		s.lateness[0].Add(late)
		if now >= s.quietSince {
			s.lateness[1].Add(late)
		}
	}
	sequence = f.n
	f.due += s.pace.After(f.n)
	f.n++
	if s.both {
		s.turn = stream ^ 1
	}
	return stream, sequence, true
}

func (s *schedule) isDue(stream int, now uint64) bool {
	f := &s.sent[stream]
	return f.n < s.frames && s.elapsed(now) >= f.due/loadgen.IntervalUnit
}
