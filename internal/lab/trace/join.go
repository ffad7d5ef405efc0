package trace

import (
	"cmp"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// A frame's passes, put together from the events.
type frame struct {
	stream uint8
	seq    uint32
	sent   int64 // CLOCK_MONOTONIC, ns
	passes []pass
	lost   *loss // nil: delivered, or nobody saw its end
}

// pass is a frame at a point; at is in ns since it was sent.
type pass struct {
	point    int // a read at point p is readAt(p)
	at       int64
	inferred bool
	snap     int // index of the event, for a capture; -1: none
}

// loss is the kernel's word on a frame that it dropped.
type loss struct {
	point  int // the last one before
	reason uint32
	at     int64
}

// number tells a WireGuard packet from all others (WireGuard's white paper, section 5.4.6): each session counts anew. It is zero for any
// other packet.
type number struct{ receiver, counter uint32 }

// packet is one whose frame is sealed, at a point.
type packet struct {
	time    int64
	number  number
	length  uint32
	read    int64 // when a process read it; 0: nobody
	dropped *loss
	snap    int
}

// readAt is the number of the point where a process reads what passed point p.
func readAt(p int) int { return p + maxPlaces }

// joined is what the events say together.
type joined struct {
	frames  []*frame // by stream, then by sequence number
	packets map[int][]packet
}

// on is what a packet in the kernel carries: frames of its last point, or sealed ones.
type on struct {
	point   int
	segment uint16
	frames  []*frame
	sealed  []int // of the point's packets
}

// joiner follows packets by the address of their sk_buff.
type joiner struct {
	joined
	places []place
	trial  uint16
	byName map[uint64]*frame
	flying map[uint64]*on
}

// join puts the events of a trial together; they are those of one trial and what was on its way before it.
func join(events []event, places []place) joined {
	j := joiner{places: places, trial: trialOf(events), byName: map[uint64]*frame{}, flying: map[uint64]*on{}}
	j.packets = map[int][]packet{}
	order := make([]int, len(events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(events[a].time, events[b].time) })
	for _, i := range order {
		j.take(events[i], i)
	}
	for _, f := range j.byName {
		j.frames = append(j.frames, f)
	}
	slices.SortFunc(j.frames, func(a, b *frame) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.seq, b.seq))
	})
	return j.joined
}

// trialOf returns the number that most frames have.
func trialOf(events []event) (most uint16) {
	count := map[uint16]int{}
	for _, e := range events {
		if e.kind == seen {
			count[e.trial]++
		}
	}
	for trial, n := range count {
		if n > count[most] || n == count[most] && trial > most {
			most = trial
		}
	}
	return most
}

func (j *joiner) take(e event, index int) {
	switch e.kind {
	case seen:
		if e.trial == j.trial {
			j.see(e, index)
		}
	case hidden:
		o := j.at(e)
		o.sealed = append(o.sealed, len(j.packets[int(e.point)]))
		j.packets[int(e.point)] = append(j.packets[int(e.point)], packet{time: int64(e.time), number: number{e.receiver, e.seq}, length: e.detail, snap: index})
	case read:
		if o := j.flying[e.skb]; o == nil || !j.places[o.point].readable() {
			delete(j.flying, e.skb)
			return
		}
		j.end(e, func(o *on, f *frame) { f.pass(readAt(o.point), int64(e.time), -1) }, func(p *packet) { p.read = int64(e.time) })
	case dropped:
		if o := j.flying[e.skb]; o != nil && j.places[o.point].relay {
			delete(j.flying, e.skb)
			return
		}
		j.end(e, func(o *on, f *frame) {
			f.lost = &loss{point: o.point, reason: e.detail, at: int64(e.time) - f.sent}
		}, func(p *packet) { p.dropped = &loss{reason: e.detail, at: int64(e.time)} })
	}
}

// at returns what the packet of an event carries at the event's point. The segments of a super-packet come one behind the
// other; an address that comes again is another packet, or the same at its next point.
func (j *joiner) at(e event) *on {
	o := j.flying[e.skb]
	if o == nil || o.point != int(e.point) || e.segment <= o.segment {
		o = &on{point: int(e.point)}
		j.flying[e.skb] = o
	}
	o.segment = e.segment
	return o
}

// readable reports whether a process can read what passes a point: what goes out of a TUN device, and what comes
// in anywhere else, for a socket.
func (p place) readable() bool { return (p.Device == tun) == (p.Kind == waterfall.Out) }

const tun = "tuntap" // in the words of rtnetlink

func (j *joiner) see(e event, index int) {
	key := uint64(e.stream)<<32 | uint64(e.seq)
	f := j.byName[key]
	if f == nil {
		if e.age == noAge {
			return
		}
		f = &frame{stream: e.stream, seq: e.seq, sent: int64(e.time) - int64(e.age)}
		j.byName[key] = f
	}
	f.lost = nil // whatever was dropped, it was a copy
	f.pass(int(e.point), int64(e.time), index)
	o := j.at(e)
	o.frames = append(o.frames, f)
}

// pass notes a pass at a time; the first one at a point counts.
func (f *frame) pass(point int, time int64, snap int) {
	if _, ok := f.at(point); !ok {
		f.passes = append(f.passes, pass{point: point, at: time - f.sent, snap: snap})
	}
}

// at returns the frame's pass at a point.
func (f *frame) at(point int) (pass, bool) {
	for _, p := range f.passes {
		if p.point == point {
			return p, true
		}
	}
	return pass{}, false
}

// end is called for what the packet of an event carried.
func (j *joiner) end(e event, frames func(*on, *frame), sealed func(*packet)) {
	o := j.flying[e.skb]
	if o == nil {
		return
	}
	delete(j.flying, e.skb)
	for _, f := range o.frames {
		frames(o, f)
	}
	for _, i := range o.sealed {
		sealed(&j.packets[o.point][i])
	}
}
