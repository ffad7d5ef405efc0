package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// cross keeps an initiation until the other side has sent one too, and then passes both on: each end gets the other one's
// while it waits for an answer to its own. The caller holds r.mu.
func (r *road) cross(side int, call []byte) {
	r.calls[side] = slices.Clone(call)
	if r.calls[1-side] == nil {
		return
	}
	for from, waiting := range r.calls {
		r.mouths[1-from].send(waiting)
	}
	r.crossing = false
}

// crossed reports whether two initiations have crossed.
func (r *road) crossed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.crossing
}

// keep keeps the messages with data of both sides from here on.
func (r *road) keep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keeping = true
}

// stock returns how many messages of a side are kept.
func (r *road) stock(side int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.kept[side])
}

// release passes the kept messages on, the last one first and each twice, with a pause after each.
func (r *road) release(pause time.Duration) {
	r.mu.Lock()
	kept, out := r.kept, r.mouths
	r.keeping, r.kept = false, [2][][]byte{}
	r.mu.Unlock()
	for side, messages := range kept {
		for _, m := range slices.Backward(messages) {
			for range 2 {
				out[1-side].send(m)
			}
			time.Sleep(pause)
		}
	}
}

// crossLimit is the time within which ends whose initiations crossed have a session. Their repetitions, each after 5 s and
// up to a third of a second, cross again if they fall together: six of them.
const crossLimit = 32 * time.Second

func checkCrossing(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true, crossing: true}, func(s *stand) error {
		for side, name := range sideNames {
			first := packetOf(4, probeLength)
			if err := s.hosts[side].send(s.hosts[1-side], first.kind, first.payload); err != nil {
				return testerError{fmt.Errorf("send from the %s host: %w", name, err)}
			}
		}
		for side := range s.hosts {
			if err := reach(ctx, s.hosts[side], s.hosts[1-side], crossLimit); err != nil {
				return s.lastWords(err)
			}
		}
		if !s.road.crossed() {
			return errors.New("packets passed before both ends had sent an initiation")
		}
		return nil
	})
}

// The packets of the check of disorder: fewer than any window of WireGuard, which is 8,128 messages in the kernel.
const (
	disordered = 500
	apart      = time.Millisecond
)

// checkDisorder has the messages of packets arrive in reverse order and twice: each packet comes out once.
func checkDisorder(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true}, func(s *stand) error {
		if err := s.establish(ctx, left); err != nil {
			return err
		}
		s.road.keep()
		var sent [2][]packet
		for range disordered {
			for from := range s.hosts {
				p := packetOf(4, probeLength)
				if err := s.hosts[from].send(s.hosts[1-from], p.kind, p.payload); err != nil {
					return testerError{err}
				}
				sent[from] = append(sent[from], p)
			}
			time.Sleep(apart)
		}
		for start := time.Now(); time.Since(start) < dataLimit && min(s.road.stock(left), s.road.stock(right)) < disordered; {
			time.Sleep(10 * time.Millisecond)
		}
		s.road.release(apart)
		for start := time.Now(); time.Since(start) < dataLimit && missing(s.hosts[right], sent[left])+missing(s.hosts[left], sent[right]) > 0; {
			time.Sleep(10 * time.Millisecond)
		}
		return s.lastWords(errors.Join(once(s.hosts[right], sent[left]), once(s.hosts[left], sent[right]), context.Cause(ctx)))
	})
}

// once returns an error unless each packet arrived exactly once.
func once(at *host, packets []packet) error {
	lost, more := missing(at, packets), 0
	for _, p := range packets {
		if at.received(p.kind, p.payload) > 1 {
			more++
		}
	}
	if lost+more > 0 {
		return fmt.Errorf("of %d packets to %s %d did not arrive, and %d arrived more than once", len(packets), at.name, lost, more)
	}
	return nil
}
