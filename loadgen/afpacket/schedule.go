package afpacket

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// schedule decides which frame is due at a given time. All times are in ns of CLOCK_MONOTONIC. It
// works like the sender in bpf/tester.c.
type schedule struct {
	frames   uint64 // number of frames of each stream
	pace     loadgen.Pace
	deadline uint64 // end of sending, since the start, without pauses
	first    int    // number of the first stream
	both     bool   // there are two streams

	begun, over  bool
	start, end   uint64
	paused, work uint64 // total pauses, and total time of sending
	last         uint64 // time of the last call of look or worked
	turn         int    // stream that sends next
	sent         [2]sentFrames
	lateness     [2]*loadgen.Histogram // of all frames, and of frames without a stall
	stalls       []rfc2544.Stall
	stallsBeyond uint64 // number of stalls that are not in stalls
	quietSince   uint64 // end of the last slice with a stall
	testerCPU    int    // number of the tester's core
}

// sentFrames is the progress of a stream.
type sentFrames struct {
	n   uint64 // number of sent frames
	due uint64 // time at which frame n is due, since the start, in interval units
}

// newSchedule returns the schedule of a plan. most is the maximum number of frames of a stream, at
// which a flood ends.
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
		s.sent[1].due = loadgen.Interval(p.Load) / 2 // half an interval after the first stream
	}
	s.lateness = [2]*loadgen.Histogram{loadgen.NewHistogram(), loadgen.NewHistogram()}
	return s
}

// look starts a round at the time now and reports whether the trial continues. If the time since the
// last call of look or worked is longer than loadgen.StallLimit, there was a stall, and the
// schedule pauses for that time.
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

// worked adds the time since the last call of look to the time of sending. This includes the receive
// path that sending triggers. Time of sending never counts as a stall.
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

// elapsed returns the time since the start without pauses.
func (s *schedule) elapsed(now uint64) uint64 { return now - s.start - s.paused }

func (s *schedule) finished(elapsed uint64) bool {
	if elapsed >= s.deadline {
		return true
	}
	whole := s.frames
	if s.both {
		whole *= 2
	}
	// The trial ends one interval after the last frame.
	return s.sent[0].n+s.sent[1].n >= whole && elapsed >= s.sent[s.first].due/loadgen.IntervalUnit
}

// next returns a stream whose next frame is due at now, and the number of that frame. It counts the
// frame as sent. ok is false if no frame is due. Two streams take turns.
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
