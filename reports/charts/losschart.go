package charts

import (
	"maps"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// otherPlaces is the legend entry for all places without a colour of their own.
const otherPlaces = "other places"

// lossOf returns the dropped frames by place, summed over the trials of a cell.
func lossOf(c *matrix.Cell) map[string]float64 {
	sum := map[string]float64{}
	for _, res := range c.Results {
		for i := range res.Trials {
			for _, d := range append(res.Trials[i].Drops.Once(), rfc2544.Drop{Kind: Unexplained, Frames: res.Trials[i].Unexplained}) {
				if d.Frames > 0 {
					sum[d.Place()] += float64(d.Frames)
				}
			}
		}
	}
	return sum
}

// lossChart shows where frames were lost, over all trials of each device. It shows shares and not
// sums, because a search overloads the device on purpose.
func lossChart(_ *result.Results, m *matrix.Matrix, maxBars int) (figure.Chart, bool) {
	totals := map[string]float64{}
	for i := range m.Rows {
		for j := range m.Rows[i].Cells {
			for place, n := range lossOf(&m.Rows[i].Cells[j]) {
				totals[place] += n
			}
		}
	}
	places := rankPlaces(totals)
	parts := make([]figure.Look, len(places))
	c := figure.Chart{
		ID: "loss", Title: "Where frames were lost",
		Caption: "Share of all frames dropped in the trials, by the counter that saw them go. The figure at the end is the number of frames. †: not valid.",
		Table:   figure.Grid{Head: []string{"", "bytes"}},
	}
	for j, place := range places {
		parts[j] = placeLook(place, j)
		c.Legend = append(c.Legend, figure.LegendItem{Look: parts[j], Name: strictjson.Clean(place)})
		c.Table.Head = append(c.Table.Head, strictjson.Clean(place))
	}
	bars := deviceBars(m, maxBars, func(cell *matrix.Cell, b *figure.Bar) bool {
		cells := divide(b, lossOf(cell), places)
		if cells != nil {
			c.Table.Rows = append(c.Table.Rows, append([]string{b.Name, strconv.Itoa(int(cell.Size))}, cells...))
		}
		return cells != nil
	})
	c.Height = vg.Length(figure.RowHeight*len(bars)) + 40
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("% of the frames dropped")
		figure.SetLinear(&p.X, 100, 1.16)
		p.X.Tick.Marker = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: 50, Label: "50"}, {Value: 100, Label: "100"}})
		p.Add(figure.PlotFunc(figure.GridX))
		figure.SetRows(p, bars)
		p.Add(figure.Stacks(bars, parts))
		return p
	}
	return c, len(bars) > 0
}

// rankPlaces sorts the places by their loss. The last colour is for all remaining places.
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
	if len(places) > len(figure.InkData)+1 {
		places = append(places[:len(figure.InkData)], otherPlaces)
	}
	return places
}

// Unexplained is the loss that no counter recorded; it has no colour of its own.
const Unexplained = "unexplained"

func placeLook(place string, i int) figure.Look {
	if place == Unexplained || i >= len(figure.InkData) {
		return figure.Look{Colour: figure.InkMuted}
	}
	return figure.Look{Colour: figure.InkData[i]}
}

// divide fills b as a stacked bar of the loss and returns the counts as text. It returns nil if
// nothing was lost.
func divide(b *figure.Bar, loss map[string]float64, places []string) []string {
	if len(loss) == 0 {
		return nil
	}
	b.Parts = make([]float64, len(places))
	total := 0.0
	for place, n := range loss {
		j := slices.Index(places, place)
		if j < 0 {
			j = len(places) - 1
		}
		b.Parts[j] += n // integers below 2^53: the sum is exact in any order
		total += n
	}
	cells := make([]string, len(places))
	for j, n := range b.Parts {
		cells[j] = show.Fixed(n, 0, show.Thin)
		b.Parts[j] = 100 * n / total
	}
	b.Note = show.Engineering3(total)
	return cells
}
