package afpacket

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
)

// packetTrial is a trial of Engine. One thread sends the frames that are due and counts the received
// frames, in turn.
type packetTrial struct {
	plan     loadgen.Plan
	trial    uint16
	schedule *schedule
	streams  []*packetStream
	byNumber [2]*packetStream
	batch    int // maximum number of frames in one system call
	stop     atomic.Bool

	clock     int64  // CLOCK_REALTIME minus CLOCK_MONOTONIC in ns
	clockRead uint64 // time at which clock was read
}

// packetStream sends and receives the frames of one stream.
type packetStream struct {
	number   int
	stamper  *stamper
	out      [][]byte          // the frames to send next
	from, to *sys.PacketSocket // sockets of the sending and the receiving port
	receiver *receiver
	dropped  uint64 // number of frames that the ring had dropped before the trial
}

// clockAge is the time in ns after which the difference of the two clocks is read again. In this time
// the kernel changes the difference by at most 0.5 us (adjtimex(2)).
const clockAge = uint64(time.Millisecond)

func (t *packetTrial) run() error {
	for {
		now := t.now()
		if !t.schedule.look(now) || t.stop.Load() {
			break
		}
		if t.gather(now) {
			for _, s := range t.streams {
				if err := s.send(); err != nil {
					return err
				}
			}
			t.schedule.worked(sys.Monotonic())
		}
		t.drain()
	}
	return t.await()
}

// now returns CLOCK_MONOTONIC in ns. It reads the difference of the clocks again if the last reading
// is older than clockAge.
func (t *packetTrial) now() uint64 {
	now := sys.Monotonic()
	if now-t.clockRead > clockAge {
		t.clock, t.clockRead = sys.ClockOffset(), now
	}
	return now
}

// gather writes the frames that are due to the batch, and reports whether there are any.
func (t *packetTrial) gather(now uint64) bool {
	n := 0
	for {
		number, sequence, ok := t.schedule.next(now)
		if !ok {
			break
		}
		s := t.byNumber[number]
		frame := s.stamper.buffers[len(s.out)]
		s.stamper.write(frame, sequence, now)
		s.out = append(s.out, frame)
		if n++; n == t.batch {
			break
		}
		now = sys.Monotonic()
	}
	return n > 0
}

// send sends the batch. If the port refuses a frame because its queue is full, the frame counts as
// offered and lost.
func (s *packetStream) send() error {
	for frames := s.out; len(frames) > 0; {
		n, err := s.from.Send(frames)
		if err != nil {
			return err
		}
		frames = frames[min(n+1, len(frames)):]
	}
	s.out = s.out[:0]
	return nil
}

// drain counts the frames in the receive rings and returns their number. For each stream it reads at
// most twice the batch size, so that the next frames are sent in time.
func (t *packetTrial) drain() (n int) {
	const least = 16
	for _, s := range t.streams {
		n += s.drain(max(least, 2*t.batch), t.clock, t.schedule.quietSince)
	}
	return n
}

func (s *packetStream) drain(most int, clock int64, quietSince uint64) int {
	looked := uint64(0)
	for n := range most {
		p, ok := s.to.Next()
		if !ok {
			return n
		}
		at := uint64(p.At - clock)
		if n == 0 || at > looked {
			looked = sys.Monotonic()
		}
		s.receiver.add(frameIn{data: p.Data, length: p.Length, at: min(at, looked), read: looked}, quietSince)
		s.to.Release()
	}
	return most
}

// empty discards the frames in the receive ring. It returns the number of frames that the ring has
// dropped so far because it was full.
func (s *packetStream) empty() (dropped uint64, err error) {
	for _, ok := s.to.Next(); ok; _, ok = s.to.Next() {
		s.to.Release()
	}
	return s.to.Dropped()
}

// await counts frames that arrive after the end of sending. It returns when every sent frame has
// arrived, when no frame has arrived for plan.IdleTimeout, or after plan.Drain: sooner if the trial is
// cut short.
func (t *packetTrial) await() error {
	const pause = time.Millisecond
	start, before := sys.Monotonic(), uint64(0)
	for quiet := start; ; {
		now := t.now()
		if t.drain() == 0 {
			if err := t.streams[0].to.Wait(pause); err != nil {
				return err
			}
		}
		var arrived, back, out uint64
		for _, s := range t.streams {
			back += s.receiver.back()
			arrived += s.receiver.arrived()
			out += t.schedule.sent[s.number].n
		}
		if arrived != before {
			before, quiet = arrived, now
		}
		limit := t.plan.Drain
		if t.stop.Load() {
			limit = min(limit, loadgen.CutShortDrain)
		}
		if back == out || now-quiet >= uint64(t.plan.IdleTimeout) || now-start >= uint64(limit) {
			return nil
		}
	}
}

// ledger returns the result of the trial. Call ledger after run.
func (t *packetTrial) ledger() (loadgen.Ledger, error) {
	s := t.schedule
	l := loadgen.Ledger{
		Trial: t.trial, Paused: time.Duration(s.paused), Work: time.Duration(s.work), Stalls: s.stalls, StallsBeyond: s.stallsBeyond,
		Lateness: s.lateness[0].Distribution(), LatenessQuiet: s.lateness[1].Distribution(),
	}
	if s.begun {
		end := s.end
		if !s.over {
			end = s.last
		}
		l.Duration = time.Duration(end-s.start) - l.Paused
	}
	var failed error
	all, differences := [2]*loadgen.Histogram{loadgen.NewHistogram(), loadgen.NewHistogram()}, loadgen.NewDifferences()
	for _, stream := range t.streams {
		offered := s.sent[stream.number].n
		result := stream.receiver.ledger(t.plan, offered)
		result.Silence = loadgen.SilenceOf(stream.receiver.silentFrom, stream.receiver.silence, s.start)
		seen := func(i uint64) uint64 { return stream.receiver.seen[i] }
		result.RecordLastLost(s.pace, s.stalls, seen)
		result.RecordFlows(t.plan.Flows, seen)
		if d := stream.receiver.delays; d != nil {
			result.Tags = t.plan.TagDelays(d.tags, offered)
			differences.Merge(d.differences)
		}
		l.Streams = append(l.Streams, result)
		for i, h := range stream.receiver.latency {
			all[i].Merge(h)
		}
		dropped, err := stream.to.Dropped()
		l.Dropped += dropped - stream.dropped
		failed = errors.Join(failed, err)
		if c := stream.receiver.capture; c != nil {
			c.finish(offered)
			failed = errors.Join(failed, writeCapture(t.plan.Pcap, stream.stamper, c, t.clock))
		}
	}
	l.Latency, l.LatencyQuiet = all[0].Distribution(), all[1].Distribution()
	l.Variation = differences.Summary()
	return l, failed
}
