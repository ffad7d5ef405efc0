// Package counts formats exact costs from an emulated machine.
package counts

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Meaning says what the numbers are for. The page and the text end with it.
const Meaning = "These numbers compare a tunnel with itself, before and after a change. They do not rank tunnels: " +
	"the emulated machine has no caches, no overlap of memory accesses and no second core, and a vector instruction costs as much as any other."

// Head is the head of the table.
var Head = []string{"tunnel", "size", "instructions a frame", "less the wire", "left end", "right end", "rest"}

// order are the columns that are added where the devices were timed as well.
var order = []string{"order by instructions", "order by time"}

// Caption says where the counts are from and what they are for.
func Caption(c *result.Counts) string {
	return machine(c) + ". " + Meaning + " Where the order differs from that of the rates, these are the reasons."
}

func machine(c *result.Counts) string {
	return strictjson.Clean(c.Emulator) + ", Linux " + strictjson.Clean(c.Kernel)
}

// Titles returns the head of the table that Rows makes.
func Titles(c *result.Counts, timed []result.Result) []string {
	if len(ranks(c, timed)) == 0 {
		return Head
	}
	return slices.Concat(Head, order)
}

// Rows returns the table's rows, one for each cost, with the places of the devices by instructions
// and by time where both are known. The wire is what the tester and its two links cost.
func Rows(c *result.Counts, timed []result.Result) (rows [][]string) {
	places := ranks(c, timed)
	for i := range c.Costs {
		cells := row(c, &c.Costs[i])
		if p, ok := places[key{c.Costs[i].Device, c.Costs[i].FrameSize}]; ok {
			cells = append(cells, strconv.Itoa(p.counted), strconv.Itoa(p.timed))
		} else if len(places) > 0 {
			cells = append(cells, "", "")
		}
		rows = append(rows, cells)
	}
	return rows
}

// wire is the bare link: no device between the tester's ports.
const wire = "wire"

func row(c *result.Counts, x *result.Cost) []string {
	cells := []string{strictjson.Short(x.Device, show.MaxName), strconv.Itoa(int(x.FrameSize)), number(x.Instructions), "", "", "", ""}
	if w := c.Cost(wire, x.FrameSize); w != nil && x.Device != wire {
		cells[3] = number(x.Instructions - w.Instructions)
	}
	if x.Left != nil && x.Right != nil {
		cells[4], cells[5], cells[6] = number(*x.Left), number(*x.Right), number(x.Instructions-*x.Left-*x.Right)
	}
	return cells
}

// number formats instructions: a tenth of one is more than any change needs.
func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

type key struct {
	device string
	size   rfc2544.FrameSize
}

// place is the position of a device among those that were counted and timed, from 1.
type place struct{ counted, timed int }

// ranks returns the places of the devices that were counted and timed, for sizes with two or more.
func ranks(c *result.Counts, timed []result.Result) map[key]place {
	type entry struct {
		key
		instructions, rate float64
	}
	bySize := map[rfc2544.FrameSize][]entry{}
	for _, x := range c.Costs {
		if v, ok := rateOf(timed, x.Device, x.FrameSize); ok && x.Device != wire {
			bySize[x.FrameSize] = append(bySize[x.FrameSize], entry{key{x.Device, x.FrameSize}, x.Instructions, v})
		}
	}
	places := map[key]place{}
	for _, all := range bySize {
		if len(all) < 2 {
			continue
		}
		slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.instructions, b.instructions) })
		for i, e := range all {
			places[e.key] = place{counted: i + 1}
		}
		slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(b.rate, a.rate) })
		for i, e := range all {
			places[e.key] = place{places[e.key].counted, i + 1}
		}
	}
	return places
}

// rate is the value by which devices are ordered.
const rate = "pdr"

func rateOf(timed []result.Result, device string, size rfc2544.FrameSize) (float64, bool) {
	for i := range timed {
		if timed[i].DUT == device && timed[i].FrameSize == size {
			if v := timed[i].Value(rate); v != nil {
				return v.Value, true
			}
		}
	}
	return 0, false
}
