package afpacket

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
)

// packetTrial is one trial of Engine. One thread alternates between sending the frames that are
// due and recording the frames that arrived.
type packetTrial struct {
	plan     loadgen.Plan
	trial    uint16
	schedule *schedule
	streams  []*packetStream
	byNumber [2]*packetStream
	batch    int // frames that are handed over at once
	stop     atomic.Bool

	clock     int64  // CLOCK_REALTIME minus CLOCK_MONOTONIC, ns
	clockRead uint64 // when that was so
}

// packetStream is one direction's frames, their way out and their way in.
type packetStream struct {
	number   int
	stamper  *stamper
	out      [][]byte // the batch
	from, to *sys.PacketSocket
	receiver *receiver
	dropped  uint64 // by the ring, before the trial
}

// clockAge is how long the difference of the two clocks is good for: the kernel
// slews by at most 0.5 us in it (adjtimex(2)).
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

// now is the time, with the clocks' difference fresh.
func (t *packetTrial) now() uint64 {
	now := sys.Monotonic()
	if now-t.clockRead > clockAge {
		t.clock, t.clockRead = sys.ClockOffset(), now
	}
	return now
}

// gather stamps the frames that are due, a batch at most.
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

// send sends the batch to the port. A frame that the port refuses because its queue is full counts
// as offered and lost.
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

// drain records waiting frames, at most twice as many as were sent so that the next frames are not
// late, and returns their number.
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
		s.receiver.book(frameIn{data: p.Data, length: p.Length, at: min(at, looked), read: looked}, quietSince)
		s.to.Release()
	}
	return most
}

// empty discards the frames waiting in the ring and returns how many frames it dropped so far.
func (s *packetStream) empty() (dropped uint64, err error) {
	for _, ok := s.to.Next(); ok; _, ok = s.to.Next() {
		s.to.Release()
	}
	return s.to.Dropped()
}

// await books stragglers: until every frame is back, or none came for a while,
// or the window closes.
func (t *packetTrial) await() error {
	const pause = time.Millisecond
	start, before := sys.Monotonic(), uint64(0)
	for quiet := start; ; {
		now := t.now()
		if t.drain() == 0 && !t.stop.Load() {
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
		if back == out || t.stop.Load() || now-quiet >= uint64(t.plan.IdleTimeout) || now-start >= uint64(t.plan.Drain) {
			return nil
		}
	}
}

// ledger is what the trial showed. The traffic has stopped.
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
		booked := stream.receiver.ledger(t.plan, offered)
		booked.Silence = loadgen.SilenceOf(stream.receiver.silentFrom, stream.receiver.silence, s.start)
		booked.RecordLastLost(s.pace, s.stalls, func(i uint64) uint64 { return stream.receiver.seen[i] })
		if d := stream.receiver.delays; d != nil {
			booked.Tags = t.plan.TagDelays(d.tags, offered)
			differences.Merge(d.differences)
		}
		l.Streams = append(l.Streams, booked)
		for i, h := range stream.receiver.latency {
			all[i].Merge(h)
		}
		dropped, err := stream.to.Dropped()
		l.Dropped += dropped - stream.dropped
		failed = errors.Join(failed, err)
		if w := stream.receiver.witness; w != nil {
			w.finish(offered)
			failed = errors.Join(failed, writeCapture(t.plan.Pcap, stream.stamper, w, t.clock))
		}
	}
	l.Latency, l.LatencyQuiet = all[0].Distribution(), all[1].Distribution()
	l.Variation = differences.Summary()
	return l, failed
}
