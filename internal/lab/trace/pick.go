package trace

import (
	"cmp"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// pickedEach is how many frames are picked for each reason.
const pickedEach = 3

// pick returns the frames of a direction that are worth a look: usual ones, the slowest, lost ones and those that others overtook.
func pick(frames []*frame, way path, nameOf func(uint32) string) []waterfall.Picked {
	picked := []waterfall.Picked{}
	if len(frames) == 0 {
		return picked
	}
	begin := slices.MinFunc(frames, func(a, b *frame) int { return cmp.Compare(a.sent, b.sent) }).sent
	add := func(why string, list []*frame) {
		for _, f := range list[:min(len(list), pickedEach)] {
			picked = append(picked, show(f, way, begin, why, nameOf))
		}
	}
	delivered, lost := apart(frames, way)
	end := func(f *frame) int64 { return f.passes[len(f.passes)-1].at }
	slowest := slices.SortedStableFunc(slices.Values(delivered), func(a, b *frame) int { return cmp.Compare(end(b), end(a)) })
	if n := len(slowest); n > 0 {
		add("usual", slowest[n/2:n/2+1])
	}
	add("slowest", slowest)
	add("lost", lost)
	add("overtaken", overtaken(delivered, end))
	return picked
}

// apart parts the frames that arrived from the others.
func apart(frames []*frame, way path) (delivered, lost []*frame) {
	last := way.numbers[len(way.numbers)-1]
	for _, f := range frames {
		slices.SortStableFunc(f.passes, func(a, b pass) int { return cmp.Compare(a.at, b.at) })
		if _, ok := f.at(last); ok && len(way.numbers) > 1 {
			delivered = append(delivered, f)
		} else {
			lost = append(lost, f)
		}
	}
	return delivered, lost
}

// overtaken returns the frames that arrived after one that was sent later.
func overtaken(delivered []*frame, end func(*frame) int64) (late []*frame) {
	byArrival := slices.SortedStableFunc(slices.Values(delivered), func(a, b *frame) int { return cmp.Compare(a.sent+end(a), b.sent+end(b)) })
	highest := int64(-1)
	for _, f := range byArrival {
		if int64(f.seq) < highest {
			late = append(late, f)
		}
		highest = max(highest, int64(f.seq))
	}
	return late
}

func show(f *frame, way path, begin int64, why string, nameOf func(uint32) string) waterfall.Picked {
	p := waterfall.Picked{Why: why, Sequence: f.seq, Sent: f.sent - begin, Passes: []waterfall.Pass{{}}}
	for _, at := range f.passes {
		if i := slices.Index(way.numbers, at.point); i > 0 {
			p.Passes = append(p.Passes, waterfall.Pass{Point: i, At: at.at, Inferred: at.inferred})
		}
	}
	if why == "lost" {
		p.Lost = lossName(f, nameOf)
	}
	return p
}
