package trace

import (
	"cmp"
	"slices"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// path is the points of one direction, in the order in which its frames pass them.
type path struct {
	numbers []int // of the tracer's points; -1 is the tester that sends
	points  []waterfall.Point
	process []bool // a process may forward what passes the point, unseen
}

// least is the share of the frames that pass a point of their way. Others are on side paths.
const least = 0.5

// pathOf returns the way of a direction's frames, by the median of the times since they were sent. It is the way of those that arrived, if any
// did; if not, it ends at the tester all the same, so that each loss has its hop.
func pathOf(frames []*frame, places []place, direction string) path {
	arrived := slices.DeleteFunc(slices.Clone(frames), func(f *frame) bool {
		return !slices.ContainsFunc(f.passes, func(p pass) bool { return pointOf(p.point, places).Kind == waterfall.Taken })
	})
	if len(arrived) > 0 {
		frames = arrived
	}
	times := map[int][]int64{}
	for _, f := range frames {
		for _, p := range f.passes {
			times[p.point] = append(times[p.point], p.at)
		}
	}
	type stop struct {
		number int
		median int64
	}
	var stops []stop
	for number, t := range times {
		if float64(len(t)) >= least*float64(len(frames)) {
			stops = append(stops, stop{number, waterfall.SpreadOf(t).P50})
		}
	}
	slices.SortFunc(stops, func(a, b stop) int {
		return cmp.Or(cmp.Compare(a.median, b.median), cmp.Compare(a.number, b.number))
	})
	way := path{numbers: []int{sender}, points: []waterfall.Point{{Node: "tester", Kind: waterfall.Sent}}, process: []bool{false}}
	for _, s := range stops {
		way.add(s.number, places)
	}
	if len(arrived) == 0 {
		way.add(takerOf(direction, places), places)
	}
	return way
}

func (w *path) add(number int, places []place) {
	w.numbers = append(w.numbers, number)
	w.points = append(w.points, pointOf(number, places))
	w.process = append(w.process, places[number%maxPlaces].relay || places[number%maxPlaces].process)
}

// takerOf returns the number of the point where the tester takes the frames of a direction.
func takerOf(direction string, places []place) int {
	port := netns.Port1
	if direction == rfc2544.Reverse {
		port = netns.Port0
	}
	return slices.IndexFunc(places, func(p place) bool { return p.Kind == waterfall.Taken && p.Interface == port })
}

// sender is the number of the first point of each way.
const sender = -1

func pointOf(number int, places []place) waterfall.Point {
	if number >= maxPlaces {
		p := places[number-maxPlaces].Point
		p.Kind = waterfall.Read
		return p
	}
	return places[number].Point
}

// times returns the frame's time at each point of the way; -1 where it was not seen.
func (w path) times(f *frame) (times []int64, inferred []bool) {
	times, inferred = make([]int64, len(w.numbers)), make([]bool, len(w.numbers))
	for i := 1; i < len(times); i++ {
		times[i] = -1
	}
	for _, p := range f.passes {
		if i := slices.Index(w.numbers, p.point); i > 0 {
			times[i], inferred[i] = p.at, p.inferred
		}
	}
	w.dropImpossibleReads(times)
	return times, inferred
}

// dropImpossibleReads forgets the reads that are out of order. Of a socket they are found by its queue's order, which a datagram from
// before the trace can upset.
func (w path) dropImpossibleReads(times []int64) {
	for i := 1; i < len(times); i++ {
		if w.points[i].Kind != waterfall.Read || times[i] < 0 {
			continue
		}
		for j, t := range times {
			if t >= 0 && (j < i && t > times[i] || j > i && t < times[i]) {
				times[i] = -1
				break
			}
		}
	}
}

// work returns what happens in a hop.
func (w path) work(hop int) waterfall.Work {
	from, to := w.points[hop], w.points[hop+1]
	switch {
	case to.Kind == waterfall.Read:
		return waterfall.Queue
	case from.Kind == waterfall.Read:
		return waterfall.Process
	case from.Node == to.Node && from.Device != tun && to.Device != tun && w.process[hop]:
		return waterfall.Unseen
	case from.Node == to.Node && to.Kind == waterfall.Out && from.Device != tun, from.Node == to.Node && from.Kind == waterfall.In && to.Device != tun:
		return waterfall.Kernel
	case (from.Kind == waterfall.Sent || from.Kind == waterfall.Out && from.Device != tun) && (to.Kind == waterfall.In || to.Kind == waterfall.Taken):
		return waterfall.Link
	}
	return waterfall.Unseen
}

// streamOf returns what the frames of one direction did in a trace that began then. nameOf names a drop reason.
func streamOf(frames []*frame, way path, begin int64, nameOf func(uint32) string) waterfall.Stream {
	s := waterfall.Stream{Followed: len(frames), Points: way.points, Hops: []waterfall.Hop{}}
	last := len(way.numbers) - 1
	hops := make([]hop, last)
	var whole []int64
	var complete [][]int64
	for _, f := range frames {
		times, inferred := way.times(f)
		for i := range hops {
			hops[i].add(f, times[i], times[i+1], inferred[i] || inferred[i+1])
		}
		if way.points[last].Kind == waterfall.Taken && times[last] >= 0 {
			s.Delivered++
			whole = append(whole, times[last])
			if !slices.Contains(times, -1) {
				complete = append(complete, times)
			}
			continue
		}
		hops[min(lastSeen(times), last-1)].lose(f, nameOf)
	}
	s.OneWay, s.Complete = waterfall.SpreadOf(whole), len(complete)
	sortByEnd(complete)
	for i := range hops {
		h := hops[i].finish(way, i, s.OneWay.Mean)
		h.AtP50, h.AtP99 = aroundP50.mean(complete, i), aroundP99.mean(complete, i)
		s.Hops = append(s.Hops, h)
	}
	s.Picked = pick(frames, way, begin, nameOf)
	return s
}

// lastSeen returns the last point at which a frame was seen.
func lastSeen(times []int64) int {
	for i := len(times) - 1; i > 0; i-- {
		if times[i] >= 0 {
			return i
		}
	}
	return 0
}

// hop gathers what frames do between two points.
type hop struct {
	times    []int64
	stays    []stay
	inferred bool
	lost     int
	reasons  map[string]int
}

// stay is the time of one frame between the points, by the clock.
type stay struct{ from, to int64 }

func (h *hop) add(f *frame, from, to int64, inferred bool) {
	if from < 0 || to < from {
		return
	}
	h.times = append(h.times, to-from)
	h.stays = append(h.stays, stay{f.sent + from, f.sent + to})
	h.inferred = h.inferred || inferred
}

func (h *hop) lose(f *frame, nameOf func(uint32) string) {
	h.lost++
	if h.reasons == nil {
		h.reasons = map[string]int{}
	}
	h.reasons[lossName(f, nameOf)]++
}

func lossName(f *frame, nameOf func(uint32) string) string {
	if f.lost == nil {
		return waterfall.Unknown
	}
	return nameOf(f.lost.reason)
}

func (h *hop) finish(way path, number int, whole float64) waterfall.Hop {
	out := waterfall.Hop{
		From: way.points[number], To: way.points[number+1], Work: way.work(number), Inferred: h.inferred, Frames: len(h.times), Time: waterfall.SpreadOf(h.times), Lost: h.lost,
		Reasons: []waterfall.Reason{},
	}
	if whole > 0 {
		out.Share = out.Time.Mean / whole
	}
	out.Waiting, out.Most = waiting(h.stays)
	for name, n := range h.reasons {
		out.Reasons = append(out.Reasons, waterfall.Reason{Name: name, Frames: n})
	}
	slices.SortFunc(out.Reasons, func(a, b waterfall.Reason) int {
		return cmp.Or(cmp.Compare(b.Frames, a.Frames), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// waiting returns how many frames were between the points at once: on average over the time from the
// first to the last, and at most.
func waiting(stays []stay) (mean float64, most int) {
	if len(stays) == 0 {
		return 0, 0
	}
	var in, out []int64
	total := int64(0)
	for _, s := range stays {
		in, out, total = append(in, s.from), append(out, s.to), total+s.to-s.from
	}
	slices.Sort(in)
	slices.Sort(out)
	for i, j := 0, 0; i < len(in); {
		if j < i && out[j] <= in[i] {
			j++
			continue
		}
		i++
		most = max(most, i-j)
	}
	span := out[len(out)-1] - in[0]
	if span <= 0 {
		return 0, most
	}
	return float64(total) / float64(span), most
}
