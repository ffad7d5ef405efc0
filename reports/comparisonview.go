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
			Head:    []string{"metric", "device", "median", "ratio", "from", "to", "pairs", "verdict"}, Words: []string{"device", "verdict"},
		},
		Trust: fmt.Sprintf("In each round every device was brought up anew, in random order. The forwarding rate is at %v offered to each, latency and CPU are at %v. "+
			"A trial that was not valid was repeated up to three times. The intervals hold together with %.3g %% confidence.", c.Overload, c.Light, 100*c.Confidence),
	}
	for i := range c.Metrics {
		for k, d := range c.Devices {
			v.Table.Rows = append(v.Table.Rows, metricCells(&c.Metrics[i], k, d))
		}
	}
	return v
}

// metricCells returns the row of device k in the page's table of a metric.
func metricCells(m *result.Metric, k int, device string) []string {
	cells := []string{strictjson.Clean(m.Name) + ", " + strictjson.Clean(m.Unit), strictjson.Clean(device), show.None, show.None, show.None, show.None, show.None, show.None}
	if v := stats.MedianValid(m.Samples[k]); v != nil {
		cells[2] = show.Fixed(*v, 1, show.Thin)
	}
	if k == 0 {
		cells[3] = "1"
		return cells
	}
	if r := ratioOf(m, device); r != nil {
		copy(cells[3:], []string{charts.ThreeDigits(r.Value), charts.ThreeDigits(r.Lower), charts.ThreeDigits(r.Upper), strconv.Itoa(r.Pairs), verdictWord(r.Verdict)})
	}
	return cells
}

func verdictWord(verdict string) string {
	if verdict == result.VerdictNone {
		return "no difference shown"
	}
	return verdict
}
