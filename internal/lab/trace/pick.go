package trace

import (
	"cmp"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// pickedEach is how many frames are picked for each reason.
const pickedEach = 3

// pick returns the frames of a direction that are worth a look: a usual one, one at the 99th percentile, the slowest, lost ones
// and those that others overtook.
func pick(frames []*frame, way path, begin int64, nameOf func(uint32) string) []waterfall.Picked {
	picked := []waterfall.Picked{}
	add := func(why string, list []*frame) {
		for _, f := range list[:min(len(list), pickedEach)] {
			p := shown(f, way, begin, nameOf)
			p.Why = why
			picked = append(picked, p)
		}
	}
	delivered, lost := apart(frames, way)
	whole := slices.DeleteFunc(slices.Clone(delivered), func(f *frame) bool { times, _ := way.times(f); return slices.Contains(times, -1) })
	slices.SortStableFunc(whole, func(a, b *frame) int { return cmp.Compare(a.end(), b.end()) })
	if n := len(whole); n > 0 {
		add(waterfall.Usual, whole[waterfall.Rank(0.5, n):][:1])
		add(waterfall.Tail, whole[waterfall.Rank(0.99, n):][:1])
	}
	slowest := slices.SortedStableFunc(slices.Values(delivered), func(a, b *frame) int { return cmp.Compare(b.end(), a.end()) })
	add(waterfall.Slowest, slowest)
	add(waterfall.Dropped, lost)
	add(waterfall.Overtaken, overtaken(delivered))
	return picked
}

// first returns when the first of the frames was sent.
func first(frames []*frame) int64 {
	if len(frames) == 0 {
		return 0
	}
	return slices.MinFunc(frames, func(a, b *frame) int { return cmp.Compare(a.sent, b.sent) }).sent
}

// end returns the time of the last pass.
func (f *frame) end() (last int64) {
	for _, p := range f.passes {
		last = max(last, p.at)
	}
	return last
}

// apart parts the frames that arrived from the others.
func apart(frames []*frame, way path) (delivered, lost []*frame) {
	last := way.numbers[len(way.numbers)-1]
	for _, f := range frames {
		if _, ok := f.at(last); ok && way.points[len(way.points)-1].Kind == waterfall.Taken {
			delivered = append(delivered, f)
		} else {
			lost = append(lost, f)
		}
	}
	return delivered, lost
}

// overtaken returns the frames that arrived after one that was sent later.
func overtaken(delivered []*frame) (late []*frame) {
	byArrival := slices.SortedStableFunc(slices.Values(delivered), func(a, b *frame) int { return cmp.Compare(a.sent+a.end(), b.sent+b.end()) })
	highest := int64(-1)
	for _, f := range byArrival {
		if int64(f.seq) < highest {
			late = append(late, f)
		}
		highest = max(highest, int64(f.seq))
	}
	return late
}

// shown returns a frame with its passes in order of time.
func shown(f *frame, way path, begin int64, nameOf func(uint32) string) waterfall.Picked {
	p := waterfall.Picked{Sequence: f.seq, Sent: f.sent - begin, Passes: []waterfall.Pass{{}}}
	times, inferred := way.times(f)
	for i := 1; i < len(times); i++ {
		if times[i] >= 0 {
			p.Passes = append(p.Passes, waterfall.Pass{Point: i, At: times[i], Inferred: inferred[i]})
		}
	}
	if last := len(times) - 1; times[last] < 0 || way.points[last].Kind != waterfall.Taken {
		p.Lost = lossName(f, nameOf)
	}
	return p
}
