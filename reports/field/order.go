package field

import (
	"fmt"
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Agreement is how far two runs put the same devices into the same order, by their rates at one frame size.
//
// Every pair of devices is looked at in both runs. In a run a pair is tied if the intervals of the two rates overlap: they
// share a rank, since the run does not say which is faster. Tau is Kendall's tau-b, with these ties:
//
//	tau = (concordant − discordant) / √((pairs − tied in A) · (pairs − tied in B))
//
// Raw is Kendall's tau-a of the values alone, as if every difference counted.
type Agreement struct {
	Devices                int // that both runs have a rate of
	Pairs                  int
	Concordant, Discordant int
	TiedA, TiedB           int      // pairs
	Tau, Raw               float64  // not a number if there is nothing to order
	Opposed                []string // the discordant pairs, as "A before B"
}

// Agree compares the order of the devices of two runs at a frame size, by name. The control is not among them: it is what
// the others are measured by.
func Agree(a, b *Field, size rfc2544.FrameSize) Agreement {
	var names []string
	var ofA, ofB []Interval
	for i := range a.Devices {
		d := &a.Devices[i]
		j := slices.IndexFunc(b.Devices, func(o Device) bool { return o.Name == d.Name })
		if j < 0 || d.Name == a.Control || d.Compared(size) == nil || b.Devices[j].Compared(size) == nil {
			continue
		}
		names, ofA, ofB = append(names, d.Name), append(ofA, *d.Compared(size)), append(ofB, *b.Devices[j].Compared(size))
	}
	return agreement(names, ofA, ofB)
}

// agreement compares two series of intervals of the same devices.
func agreement(names []string, a, b []Interval) Agreement {
	out := Agreement{Devices: len(names)}
	raw := 0
	for i := range names {
		for j := i + 1; j < len(names); j++ {
			out.Pairs++
			raw += sign(a[i].Value-a[j].Value) * sign(b[i].Value-b[j].Value)
			inA, inB := order(a[i], a[j]), order(b[i], b[j])
			if inA == 0 {
				out.TiedA++
			}
			if inB == 0 {
				out.TiedB++
			}
			switch inA * inB {
			case 1:
				out.Concordant++
			case -1:
				out.Discordant++
				first, second := names[i], names[j]
				if inA < 0 {
					first, second = second, first
				}
				out.Opposed = append(out.Opposed, fmt.Sprintf("%s before %s", first, second))
			}
		}
	}
	out.Raw = float64(raw) / float64(out.Pairs)
	out.Tau = float64(out.Concordant-out.Discordant) / math.Sqrt(float64(out.Pairs-out.TiedA)*float64(out.Pairs-out.TiedB))
	return out
}

// order returns 1 if a is above b, -1 if it is below, and 0 if the two overlap.
func order(a, b Interval) int {
	if a.Overlaps(b) {
		return 0
	}
	return sign(a.Value - b.Value)
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// Ranks returns the rank of each interval, counted from 1: one more than the number of those that are above it and do not
// overlap with it. So those that cannot be told apart share a rank.
func Ranks(all []Interval) (ranks []int) {
	for _, one := range all {
		rank := 1
		for _, other := range all {
			if order(other, one) > 0 {
				rank++
			}
		}
		ranks = append(ranks, rank)
	}
	return ranks
}
