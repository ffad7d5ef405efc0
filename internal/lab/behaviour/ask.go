package behaviour

import (
	"context"
	"errors"
	"time"
)

// Heard is what a device made of some probes.
type Heard struct {
	First uint64   // number of the first probe; the next ones follow
	Far   []Packet // what came to port1, in order
	Near  []Packet // what came back to port0
	Wan   []Packet // what passed the wan from left to right

	Markers int // that were sent
}

// errSilent says that not even the marker passed.
var errSilent = errors.New("packets that passed before pass no more")

// The marker is a small packet without a mark that is sent behind the probes. When it has passed, so have they, or
// they are lost.
const (
	markerLength = 100
	markerEvery  = 300 * time.Millisecond // it is sent again: one may be lost
	stragglers   = 30 * time.Millisecond  // for what comes after the marker all the same
	patience     = 8 * time.Second        // for a marker; devices of this lab may be slow, and machines busy
)

// Ask sends probes, and a marker behind them, and returns what was heard until all has passed or is known to be lost.
func (s *Stand) Ask(ctx context.Context, probes []Probe, limit time.Duration) (Heard, error) {
	h := Heard{First: s.next}
	s.next += uint64(len(probes))
	marker := s.next
	s.next++
	for _, port := range s.ports {
		port.each(func([]byte) {}) // of earlier probes
	}
	s.road.begin()
	for i, p := range probes {
		if err := s.ports[left].send(p.frame(h.First + uint64(i))); err != nil {
			return h, err
		}
	}
	err := s.listen(ctx, &h, marker, limit)
	for _, frame := range s.road.end()[left] {
		h.Wan = append(h.Wan, parse(frame))
	}
	return h, err
}

// listen listens at both ports until the marker has come, and some time longer if a probe is missing.
func (s *Stand) listen(ctx context.Context, h *Heard, marker uint64, limit time.Duration) error {
	var sent, passed time.Time
	for start := time.Now(); ; {
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !passed.IsZero() && (h.answered(marker) || now.Sub(passed) >= stragglers):
			return nil
		case passed.IsZero() && now.Sub(start) >= limit:
			return errSilent
		case passed.IsZero() && now.Sub(sent) >= markerEvery:
			if err := s.ports[left].send(Probe{Length: markerLength}.frame(marker)); err != nil {
				return err
			}
			sent = now
			h.Markers++
		}
		if err := wait(5*time.Millisecond, s.ports[left], s.ports[right]); err != nil {
			return err
		}
		s.ports[left].each(func(frame []byte) { h.Near = append(h.Near, parse(frame)) })
		s.ports[right].each(func(frame []byte) {
			p := parse(frame)
			if p.Number == marker {
				passed = time.Now()
				return
			}
			h.Far = append(h.Far, p)
		})
	}
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

// One asks for a single probe, which has to arrive whole. It returns what arrived, and the packet of the wan that
// carried it: the first that is no shorter. ok is false if either was not seen.
func (s *Stand) One(ctx context.Context, p Probe) (far, outer Packet, ok bool, err error) {
	h, err := s.Ask(ctx, []Probe{p}, patience)
	if err != nil {
		return far, outer, false, err
	}
	far, ok = h.Arrived(0)
	if !ok {
		return far, outer, false, nil
	}
	outer, ok = h.Outer(p)
	return far, outer, ok, nil
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
