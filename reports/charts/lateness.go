package charts

import (
	"slices"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// latenessChart shows how accurately the tester kept its schedule and how much time the machine
// took away. No result can be more accurate than that.
func latenessChart(_ *result.Results, m *matrix.Matrix, maxBars int) (figure.Chart, bool) {
	c := figure.Chart{
		ID: "lateness", Title: "Lateness of the tester, and stalls",
		Caption: "Microseconds behind the schedule at which frames were sent, log scale: the dot is the median over the trials of p50, the end of the line the worst p99. " +
			"What the machine took from either side is in the table, as stalls. Lower is better. †: not valid.",
		Table: figure.Grid{Head: []string{"", "bytes", "trials", "p50 µs", "worst p99 µs", "worst µs", "stalls", "longest stall ms", "stalled"}},
	}
	bars := deviceBars(m, maxBars, func(cell *matrix.Cell, b *figure.Bar) bool {
		l := latenessOf(cell)
		if len(l.p50) == 0 {
			return false
		}
		slices.Sort(l.p50)
		p50 := l.p50[len(l.p50)/2]
		b.Low, b.High = float64(p50)/1e3, float64(l.p99)/1e3
		c.Table.Rows = append(c.Table.Rows, []string{b.Name, strconv.Itoa(int(cell.Size)), strconv.Itoa(len(l.p50)), show.Micros(p50), show.Micros(l.p99), show.Micros(l.worst),
			strconv.Itoa(l.stalls), show.Digits(float64(l.longest)/1e6, show.Thin), show.Percent(float64(l.stalled) / float64(max(1, l.time)))})
		return true
	})
	c.Height = vg.Length(figure.RowHeight*len(bars)) + 40
	c.Draw = func() *plot.Plot { return figure.DumbbellPlot("µs", bars) }
	return c, len(bars) > 0
}

// tardy is the schedule accuracy over all trials of a cell.
type tardy struct {
	p50           []time.Duration // one per trial
	p99, worst    time.Duration
	stalls        int
	longest       time.Duration
	stalled, time time.Duration
}

func latenessOf(c *matrix.Cell) (l tardy) {
	for _, res := range c.Results {
		for i := range res.Trials {
			o := &res.Trials[i]
			if o.Lateness == nil {
				continue
			}
			l.p50 = append(l.p50, o.Lateness.P50)
			l.p99, l.worst = max(l.p99, o.Lateness.P99), max(l.worst, o.Lateness.Max)
			l.stalls += len(o.Stalls)
			l.stalled += StallSum(o)
			l.time += o.Duration + o.Paused
			for _, s := range o.Stalls {
				l.longest = max(l.longest, s.Length)
			}
		}
	}
	return l
}
