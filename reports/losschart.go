package reports

import (
	"maps"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// otherPlaces gathers the places that have no colour of their own.
const otherPlaces = "other places"

// lossOf sums, over the trials of a cell, where frames were dropped.
func lossOf(c *cell) map[string]float64 {
	sum := map[string]float64{}
	for _, res := range c.results {
		for i := range res.Trials {
			for _, d := range append(res.Trials[i].Drops.Once(), rfc2544.Drop{Kind: unexplained, Frames: res.Trials[i].Unexplained}) {
				if d.Frames > 0 {
					sum[d.Place()] += float64(d.Frames)
				}
			}
		}
	}
	return sum
}

// lossChart shows where frames were lost, over all trials of each device: a
// search goes over the limit on purpose, so the shares matter and not the sums.
func lossChart(_ *result.Results, m *matrix, maxBars int) (chart, bool) {
	totals := map[string]float64{}
	for i := range m.rows {
		for j := range m.rows[i].cells {
			for place, n := range lossOf(&m.rows[i].cells[j]) {
				totals[place] += n
			}
		}
	}
	places := rankPlaces(totals)
	parts := make([]look, len(places))
	c := chart{
		id: "loss", title: "Where frames were lost",
		caption: "Share of all frames dropped in the trials, by the counter that saw them go. The figure at the end is the number of frames. †: not valid.",
		table:   grid{head: []string{"", "bytes"}},
	}
	for j, place := range places {
		parts[j] = placeLook(place, j)
		c.legend = append(c.legend, legendItem{look: parts[j], name: strictjson.Clean(place)})
		c.table.head = append(c.table.head, strictjson.Clean(place))
	}
	bars := deviceBars(m, maxBars, func(cell *cell, b *bar) bool {
		cells := b.divide(lossOf(cell), places)
		if cells != nil {
			c.table.rows = append(c.table.rows, append([]string{b.name, strconv.Itoa(int(cell.size))}, cells...))
		}
		return cells != nil
	})
	c.height = vg.Length(rowHeight*len(bars)) + 40
	c.draw = func() *plot.Plot {
		p := newPlot("% of the frames dropped")
		setLinear(&p.X, 100, 1.16)
		p.X.Tick.Marker = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: 50, Label: "50"}, {Value: 100, Label: "100"}})
		p.Add(plotFunc(gridX))
		setRows(p, bars)
		p.Add(stacks(bars, parts))
		return p
	}
	return c, len(bars) > 0
}

// rankPlaces orders the places by their loss; the last colour is for the rest.
func rankPlaces(totals map[string]float64) []string {
	places := slices.Sorted(maps.Keys(totals))
	slices.SortStableFunc(places, func(a, b string) int {
		switch {
		case totals[a] > totals[b]:
			return -1
		case totals[a] < totals[b]:
			return 1
		}
		return 0
	})
	if len(places) > len(inkData)+1 {
		places = append(places[:len(inkData)], otherPlaces)
	}
	return places
}

// unexplained is the loss that no counter saw; it has no colour of its own.
const unexplained = "unexplained"

func placeLook(place string, i int) look {
	if place == unexplained || i >= len(inkData) {
		return look{colour: inkMuted}
	}
	return look{colour: inkData[i]}
}

// divide makes b a stacked bar of the loss and returns the counts as texts; nil
// when nothing was lost.
func (b *bar) divide(loss map[string]float64, places []string) []string {
	if len(loss) == 0 {
		return nil
	}
	b.parts = make([]float64, len(places))
	total := 0.0
	for place, n := range loss {
		j := slices.Index(places, place)
		if j < 0 {
			j = len(places) - 1
		}
		b.parts[j] += n // whole numbers below 2^53: the order of adding does not matter
		total += n
	}
	cells := make([]string, len(places))
	for j, n := range b.parts {
		cells[j] = show.Fixed(n, 0, show.Thin)
		b.parts[j] = 100 * n / total
	}
	b.note = show.Engineering3(total)
	return cells
}
