package charts

import (
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// cpuParts are the consumers of CPU time per frame that the kernel distinguishes.
var cpuParts = []struct {
	name string
	look figure.Look
}{
	{"its processes, in user mode", figure.Look{Colour: figure.InkData[0]}},
	{"its processes, in the kernel", figure.Look{Colour: figure.InkData[4]}},
	{"its processes", figure.Look{Colour: figure.InkData[5]}},
	{"the kernel beside them", figure.Look{Colour: figure.InkData[1]}},
}

func cpuChart(_ *result.Results, m *matrix.Matrix, maxBars int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "cpu", Title: "CPU per frame",
		Caption: "Nanoseconds of all cores per delivered frame at half the found rate, minus what the bare wire costs. Lower is better. " +
			"The kernel beside them is soft interrupts and its own threads; one that interrupts a process counts for that. †: not valid.",
		Table: figure.Grid{Head: []string{"", "bytes", "ns per frame"}},
	}
	highest, used := 0.0, make([]bool, len(cpuParts))
	for _, p := range cpuParts {
		c.Table.Head = append(c.Table.Head, p.name)
	}
	bars := deviceBars(m, maxBars, func(cell *matrix.Cell, b *figure.Bar) bool {
		ns, ok := matrix.Nanos(cell.CPU)
		if !ok || cell.Rate == nil && ns == 0 {
			return false
		}
		b.Parts, b.Note = cpuPartsOf(cell, ns), show.Fixed(ns, 0, " ")
		highest = max(highest, ns)
		row := []string{b.Name, strconv.Itoa(int(cell.Size)), matrix.NanoText(cell.CPU)}
		for i, v := range b.Parts {
			used[i] = used[i] || v > 0
			row = append(row, show.Fixed(v, 0, show.Thin))
		}
		c.Table.Rows = append(c.Table.Rows, row)
		return true
	})
	looks := make([]figure.Look, len(cpuParts))
	for i, p := range cpuParts {
		looks[i] = p.look
		if used[i] {
			c.Legend = append(c.Legend, figure.LegendItem{Look: p.look, Name: p.name})
		}
	}
	c.Height = vg.Length(figure.RowHeight*len(bars)) + 40
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("ns per frame")
		figure.SetLinear(&p.X, highest, 1.15)
		p.Add(figure.PlotFunc(figure.GridX))
		figure.SetRows(p, bars)
		p.Add(figure.Stacks(bars, looks))
		return p
	}
	return c, len(bars) > 0
}

// cpuPartsOf splits the CPU time of a frame in the order of cpuParts. The cost of the bare wire is
// subtracted from the whole but not from the process's own time; so the process's part is limited
// to the whole.
func cpuPartsOf(c *matrix.Cell, whole float64) []float64 {
	parts := make([]float64, len(cpuParts))
	process, user := processCPUOf(c)
	if process == nil {
		parts[3] = whole
		return parts
	}
	own := min(*process, whole)
	if user == nil {
		parts[2] = own
	} else {
		parts[0] = min(*user, own)
		parts[1] = own - parts[0]
	}
	parts[3] = whole - own
	return parts
}

// processCPUOf returns the median CPU time of the device's processes. It uses the same trials as
// the CPU time per frame: the valid ones at the first load of the result. It returns nil if the
// time is unknown.
func processCPUOf(c *matrix.Cell) (process, user *float64) {
	var all, users []*float64
	for _, res := range c.Results {
		if res.Value(matrix.CpuNames...) == nil || len(res.Trials) == 0 {
			continue
		}
		for i := range res.Trials {
			if o := &res.Trials[i]; o.Valid && sameLoad(o, &res.Trials[0]) {
				all, users = append(all, o.ProcessCPU), append(users, o.UserCPU)
			}
		}
	}
	if slices.Contains(users, nil) { // medians over different sets of trials cannot be compared
		users = nil
	}
	return stats.MedianValid(all), stats.MedianValid(users)
}

func sameLoad(a, b *rfc2544.Observation) bool { return a.IntendedLoad == b.IntendedLoad }
