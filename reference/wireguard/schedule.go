package wireguard

import (
	"container/heap"
	"time"
)

// schedule orders the peers by the time at which Tick has to look at them, so that a tick costs the peers that are
// due and not all peers. Data move most deadlines back. Then the peer stays where it is, and Tick finds that nothing
// is due yet: the order changes only when a deadline comes nearer.
type schedule []*Peer

// unplanned is the place of a peer that waits for nothing.
const unplanned = -1

// plan makes Tick look at a peer when its first deadline comes.
func (s *schedule) plan(p *Peer) {
	at := p.timers.next()
	switch {
	case at.IsZero():
	case p.place == unplanned:
		p.wake = at
		heap.Push(s, p)
	case at.Before(p.wake):
		p.wake = at
		heap.Fix(s, p.place)
	}
}

// take returns the peers that are due, and forgets their times.
func (s *schedule) take(now time.Time) (peers []*Peer) {
	for len(*s) > 0 && !(*s)[0].wake.After(now) {
		peers = append(peers, heap.Pop(s).(*Peer))
	}
	return peers
}

// remove forgets a peer.
func (s *schedule) remove(p *Peer) {
	if p.place != unplanned {
		heap.Remove(s, p.place)
	}
}

// next returns when a peer is due, or a little earlier; zero if none waits for anything.
func (s schedule) next() time.Time {
	if len(s) == 0 {
		return time.Time{}
	}
	return s[0].wake
}

// The methods of heap.Interface.

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].wake.Before(s[j].wake) }

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

func (s *schedule) Push(x any) {
	p := x.(*Peer)
	p.place = len(*s)
	*s = append(*s, p)
}

func (s *schedule) Pop() any {
	last := len(*s) - 1
	p := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	p.place = unplanned
	return p
}
