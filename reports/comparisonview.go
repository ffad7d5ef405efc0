package reports

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// comparisonView is the page's section of a comparison.
type comparisonView struct {
	Verdicts []string
	Table    *tableView
	Trust    string
}

// compare adds the comparison to the page, of which it may be the only content.
func (p *page) compare(r *result.Results) {
	c := r.Comparison
	p.Comparison = viewComparison(c)
	if len(r.Results) > 0 {
		return
	}
	p.Title, p.Metrics, p.Deviations, p.RateTitle = "Tunnel comparison", nil, nil, matrix.RateTitle("forwarding_rate")
	p.Summary = fmt.Sprintf("Compared %s in %d rounds with frames of %d bytes, in %s.", list(cleanAll(c.Devices)), c.Rounds, int(c.FrameSize),
		r.Ended.Sub(r.Started).Round(time.Second))
}

func viewComparison(c *result.Comparison) *comparisonView {
	v := &comparisonView{
		Verdicts: sentencesOf(c),
		Table: &tableView{
			Caption: "The median over the rounds, and the ratio to the first device, round by round",
			Head:    []string{"metric", "device", "kind", "median", "ratio", "from", "to", "pairs", "verdict"}, Words: []string{"device", "kind", "verdict"},
		},
		Trust: "In each round every device was brought up anew, in random order.",
	}
	if c.Overload > 0 || c.Light > 0 {
		v.Trust += fmt.Sprintf(" The forwarding rate is at %v offered to each, latency and CPU are at %v.", c.Overload, c.Light)
	}
	v.Trust += fmt.Sprintf(" A trial that was not valid was repeated up to three times. The intervals hold together with %.3g %% confidence.", 100*c.Confidence)
	for i := range c.Metrics {
		for k := range c.Devices {
			v.Table.Rows = append(v.Table.Rows, metricCells(c, &c.Metrics[i], k))
		}
	}
	return v
}

// metricCells returns the row of device k in the page's table of a metric.
func metricCells(c *result.Comparison, m *result.Metric, k int) []string {
	cells := []string{strictjson.Clean(m.Name) + ", " + strictjson.Clean(m.Unit), strictjson.Clean(c.Devices[k]), kindOf(c, k), show.None, show.None, show.None, show.None, show.None, show.None}
	if v := stats.MedianValid(m.Samples[k]); v != nil {
		cells[3] = show.Fixed(*v, 1, show.Thin)
	}
	r := shownRatio(c, m, k)
	switch {
	case k == 0:
		cells[4] = "1"
	case r.Pairs > 0:
		cells[4], cells[7] = charts.ThreeDigits(r.Value), strconv.Itoa(r.Pairs)
		if r.Upper > 0 {
			cells[5], cells[6], cells[8] = charts.ThreeDigits(r.Lower), charts.ThreeDigits(r.Upper), verdictWord(r.Verdict)
		}
	}
	return cells
}

func verdictWord(verdict string) string {
	if verdict == result.VerdictNone {
		return "no difference shown"
	}
	return verdict
}
