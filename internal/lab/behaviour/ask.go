package behaviour

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
)

// Heard is what a device made of some probes.
type Heard struct {
	First uint64   // number of the first probe; the next ones follow
	Far   []Packet // what came to port1, in order
	Near  []Packet // what came back to port0
	Wan   []Packet // what passed the wan from left to right

	Markers int // that were sent, and
	back    int // that came
}

// errSilent says that not even the marker passed.
var errSilent = errors.New("packets that passed before pass no more")

// The marker is a small packet without a mark that is sent behind the probes. When it has passed, so have they, or
// they are lost. A second one then comes back behind the answers of the right side.
const (
	markerLength = 100
	markerEvery  = 300 * time.Millisecond // it is sent again: one may be lost
	stragglers   = 30 * time.Millisecond  // for what comes after the markers all the same
	lostMarker   = time.Second            // after another one has come
	patience     = 8 * time.Second        // for a marker; devices of this lab may be slow, and machines busy
)

// Ask sends probes, and a marker behind them, and returns what was heard until all has passed or is known to be lost.
func (s *Stand) Ask(ctx context.Context, probes []Probe, limit time.Duration) (Heard, error) {
	h := Heard{First: s.next}
	s.next += uint64(len(probes))
	l := &listening{Stand: s, heard: &h, ends: s.next}
	s.next++
	for _, port := range s.ports {
		port.Each(func(tap.Frame) {}) // of earlier probes
	}
	s.road.begin()
	for i, p := range probes {
		if err := s.ports[left].Send(p.frame(h.First + uint64(i))); err != nil {
			return h, err
		}
	}
	err := l.listen(ctx, limit)
	for _, frame := range s.road.end()[left] {
		h.Wan = append(h.Wan, parse(frame))
	}
	return h, err
}

// listening waits for what becomes of probes.
type listening struct {
	*Stand
	heard  *Heard
	ends   uint64    // number of the marker
	sent   time.Time // when the last marker was sent, in whatever direction; zero: not yet
	passed time.Time // when the last marker came to port1
	ended  time.Time // when the last one came back to port0
}

// listen listens at both ports until nothing more is to be expected.
func (l *listening) listen(ctx context.Context, limit time.Duration) error {
	for start := time.Now(); ; {
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case l.complete(now):
			return nil
		case now.Sub(start) >= limit:
			return errSilent
		}
		if err := l.mark(now); err != nil {
			return err
		}
		if err := l.poll.Wait(5 * time.Millisecond); err != nil {
			return err
		}
		l.ports[left].Each(l.near)
		l.ports[right].Each(l.far)
	}
}

// mark sends a marker if it is time: to port1, and when one has come there, back.
func (l *listening) mark(now time.Time) error {
	if now.Sub(l.sent) < markerEvery {
		return nil
	}
	l.sent = now
	if l.passed.IsZero() {
		l.heard.Markers++
		return l.ports[left].Send(Probe{Length: markerLength}.frame(l.ends))
	}
	return l.ports[right].Send(Probe{Length: markerLength, back: true}.frame(l.ends))
}

// far takes what came to port1.
func (l *listening) far(f tap.Frame) {
	p := parse(f.Data)
	if p.Number != l.ends {
		l.heard.Far = append(l.heard.Far, p)
		return
	}
	if l.heard.back++; l.passed.IsZero() {
		l.sent = time.Time{} // the other way now
	}
	l.passed = time.Now()
}

// near takes what came to port0.
func (l *listening) near(f tap.Frame) {
	p := parse(f.Data)
	if p.Number == l.ends {
		l.ended = time.Now()
		return
	}
	l.heard.Near = append(l.heard.Near, p)
}

// complete reports whether nothing more is to be expected: each probe was answered, or the markers have passed both
// ways. Of a marker that was sent again, each has come, unless one is lost.
func (l *listening) complete(now time.Time) bool {
	switch {
	case l.passed.IsZero():
		return false
	case l.heard.back < l.heard.Markers:
		return now.Sub(l.passed) >= lostMarker
	}
	return l.heard.answered(l.ends) || !l.ended.IsZero() && now.Sub(l.ended) >= stragglers
}

// answered reports whether each probe has arrived, whole, or an ICMP error has come for it.
func (h *Heard) answered(marker uint64) bool {
	n := uint64(0)
	for _, p := range h.Far {
		if p.Number >= h.First && p.Number < marker && !p.Fragment() {
			n++
		}
	}
	for _, p := range h.Near {
		if p.Error != nil {
			n++
		}
	}
	return n >= marker-h.First
}

// tries is how often a probe is sent that nothing is heard of: a tunnel may lose one.
const tries = 3

// What asks for what becomes of a single probe.
func (s *Stand) What(ctx context.Context, p Probe) (o outcome, err error) {
	for range tries {
		h, err := s.Ask(ctx, []Probe{p}, patience)
		if o = h.outcome(); err != nil || o.how != noAnswer {
			return o, err
		}
	}
	return o, nil
}

// One asks for a single probe, which has to arrive whole. It returns what
// arrived, and the packet of the wan that carried it. ok is false if either was not seen.
func (s *Stand) One(ctx context.Context, p Probe) (far, outer Packet, ok bool, err error) {
	for range tries {
		h, err := s.Ask(ctx, []Probe{p}, patience)
		if err != nil {
			return far, outer, false, err
		}
		var seen bool
		far, ok = h.Arrived(0)
		if outer, seen = h.Outer(p); ok && seen {
			return far, outer, true, nil
		}
	}
	return far, outer, false, nil
}

// Arrived returns the probe of an index as it arrived; ok is false if it did not arrive whole.
func (h *Heard) Arrived(i int) (p Packet, ok bool) {
	for _, p := range h.Far {
		if p.Number == h.First+uint64(i) {
			return p, true
		}
	}
	return p, false
}

// Outer returns the packet of the wan that carried a probe: the first that is no shorter.
func (h *Heard) Outer(p Probe) (outer Packet, ok bool) {
	for _, w := range h.Wan {
		if w.Length >= p.Length {
			return w, true
		}
	}
	return outer, false
}
