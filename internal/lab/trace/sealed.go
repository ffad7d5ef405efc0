package trace

import (
	"cmp"
	"slices"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// unseal gives the sealed packets of one direction to its frames: by order and time at the first point of the way where
// they are sealed, and by WireGuard's receiver index and counter at the others. What it finds is inferred.
func (j *joined) unseal(frames []*frame, way sealedWay) {
	var owner map[number]*frame
	for _, point := range way.points {
		packets := ofData(j.packets[point])
		if len(packets) == 0 {
			continue
		}
		counted := packets[len(packets)-1].number != number{}
		if owner != nil && counted {
			for _, p := range packets {
				if f := owner[p.number]; f != nil {
					f.take(point, p)
				}
			}
			continue
		}
		owner = map[number]*frame{}
		match(way.spans(frames, point), packets, func(f *frame, p packet) {
			f.take(point, p)
			owner[p.number] = f
		})
	}
}

// sealedWay is the points of one direction where frames are sealed, in its order.
type sealedWay struct {
	places []place
	points []int
	nodes  []string // in the order in which frames come through
}

// sealedOn returns the way of a direction. At the first node of it frames are sealed as they go out, at the last as they come in;
// the interfaces of a node between bear the names of the nodes that they lead to.
func sealedOn(sealed map[int]bool, places []place, direction string) sealedWay {
	w := sealedWay{places: places, nodes: []string{netns.Left, netns.BetweenNode, netns.Right}}
	if direction == rfc2544.Reverse {
		slices.Reverse(w.nodes)
	}
	for number := range places {
		p := places[number]
		entrance := p.Node == w.nodes[2] || p.Interface == w.nodes[0]
		if sealed[number] && (p.Kind == waterfall.In) == entrance {
			w.points = append(w.points, number)
		}
	}
	slices.SortStableFunc(w.points, func(a, b int) int { return cmp.Compare(w.rank(a), w.rank(b)) })
	return w
}

// rank is a point's place on the way. A read comes right after what is read.
func (w sealedWay) rank(number int) int {
	p := pointOf(number, w.places)
	if p.Kind == waterfall.Taken {
		return 4 * len(w.nodes)
	}
	step := map[waterfall.Kind]int{waterfall.In: 0, waterfall.Read: 1, waterfall.Out: 2}[p.Kind]
	return 4*slices.Index(w.nodes, p.Node) + step
}

// span is when a frame may have passed a point: after it was last seen before, and before it was first seen behind.
type span struct {
	*frame
	from, to int64 // to is 0 if it was not seen behind
}

// spans returns the frames by the time at which they were last seen before a point.
func (w sealedWay) spans(frames []*frame, number int) []span {
	spans := make([]span, 0, len(frames))
	for _, f := range frames {
		s := span{frame: f, from: f.sent}
		for _, p := range f.passes {
			at := f.sent + p.at
			switch before := w.before(p.point, number); {
			case before:
				s.from = max(s.from, at)
			case s.to == 0 || at < s.to:
				s.to = at
			}
		}
		spans = append(spans, s)
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return spans
}

// before reports whether frames pass a point before a sealed one. What is open on the sealed one's node comes before it where
// they are sealed, and behind it where they are opened.
func (w sealedWay) before(number, sealed int) bool {
	if pointOf(number, w.places).Node == w.places[sealed].Node {
		return w.places[sealed].Kind == waterfall.Out
	}
	return w.rank(number) < w.rank(sealed)
}

// match gives packets to frames, both in their order. A packet belongs to the first frame that was there before it and had not
// yet come out behind it. Where there are fewer packets than frames, those that arrived come first.
func match(spans []span, packets []packet, give func(*frame, packet)) {
	arrive := 0
	for _, s := range spans {
		if s.to != 0 {
			arrive++
		}
	}
	i := 0
	skip := func() {
		if spans[i].to != 0 {
			arrive--
		}
		i++
	}
	for n, p := range packets {
		for i < len(spans) && (spans[i].to != 0 && spans[i].to < p.time || spans[i].to == 0 && len(packets)-n <= arrive) {
			skip()
		}
		if i == len(spans) {
			return
		}
		if spans[i].from <= p.time {
			give(spans[i].frame, p)
			skip()
		}
	}
}

// take adds a sealed packet to what the frame passed.
func (f *frame) take(number int, p packet) {
	if _, ok := f.at(number); ok {
		return
	}
	f.passes = append(f.passes, pass{number, p.time - f.sent, true, p.snap})
	if p.read != 0 {
		f.passes = append(f.passes, pass{readAt(number), p.read - f.sent, true, -1})
	}
	if p.dropped != nil {
		f.lost = &loss{number, p.dropped.reason, p.dropped.at - f.sent}
	}
}

// ofData returns the packets that carry frames: those of the most frequent length, session after session, by counter, then by
// time. Handshakes and keepalives have other lengths.
func ofData(packets []packet) (data []packet) {
	count := map[uint32]int{}
	for _, p := range packets {
		count[p.length]++
	}
	length := uint32(0)
	for l, n := range count {
		if n > count[length] || n == count[length] && l > length {
			length = l
		}
	}
	for _, p := range packets {
		if p.length == length {
			data = append(data, p)
		}
	}
	began := map[uint32]int64{} // each session
	for _, p := range data {
		if at, ok := began[p.number.receiver]; !ok || p.time < at {
			began[p.number.receiver] = p.time
		}
	}
	slices.SortStableFunc(data, func(a, b packet) int {
		session := cmp.Compare(began[a.number.receiver], began[b.number.receiver])
		return cmp.Or(session, cmp.Compare(a.number.counter, b.number.counter), cmp.Compare(a.time, b.time))
	})
	return data
}
