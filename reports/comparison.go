package reports

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// WriteComparison writes a comparison as a text table followed by the verdicts.
func WriteComparison(w io.Writer, c *result.Comparison) error {
	if c == nil {
		return nil
	}
	if err := comparisonTable(c).Text(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d rounds of %d bytes, %s; overload %v, light load %v; intervals of %.3g %% together\n", c.Rounds, int(c.FrameSize), strictjson.Clean(c.Direction), c.Overload, c.Light, 100*c.Confidence)
	for _, text := range sentencesOf(c) {
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

// comparisonTable has a row for each metric and device.
func comparisonTable(c *result.Comparison) *texttab.Table {
	t := texttab.New(texttab.Left("metric"), texttab.Left("device"), texttab.Right("median"), texttab.Right("ratio"), texttab.Right("interval"), texttab.Right("pairs"))
	for _, m := range c.Metrics {
		for k, d := range c.Devices {
			cells := []string{"", strictjson.Short(d, show.MaxName), show.None, show.None, show.None, show.None}
			if k == 0 {
				cells[0], cells[3], cells[4], cells[5] = strictjson.Short(m.Name+", "+m.Unit, show.MaxName), "1", "", ""
			}
			if v := stats.MedianValid(m.Samples[k]); v != nil {
				cells[2] = show.Fixed(*v, 1, "")
			}
			if r := ratioOf(&m, d); r != nil && k > 0 {
				cells[3], cells[4] = strconv.FormatFloat(r.Value, 'f', 3, 64), fmt.Sprintf("%.3f to %.3f", r.Lower, r.Upper)
				cells[5] = strconv.Itoa(r.Pairs)
			}
			t.Add(cells...)
		}
	}
	return t
}

func ratioOf(m *result.Metric, device string) *result.Ratio {
	for i := range m.Ratios {
		if m.Ratios[i].Device == device {
			return &m.Ratios[i]
		}
	}
	return nil
}

// sentencesOf returns the verdicts and warnings as sentences.
func sentencesOf(c *result.Comparison) (lines []string) {
	for i := range c.Metrics {
		m := &c.Metrics[i]
		for _, d := range c.Devices[1:] {
			at := fmt.Sprintf("%s, %s against %s: ", strictjson.Clean(m.Name), strictjson.Clean(d), strictjson.Clean(c.Devices[0]))
			if r := ratioOf(m, d); r != nil {
				lines = append(lines, at+r.Words())
			} else {
				lines = append(lines, fmt.Sprintf("%stoo few valid pairs for an interval: it takes %d", at, stats.FewestPairs(c.EachConfidence())))
			}
		}
	}
	return append(lines, cleanAll(c.Warnings)...)
}
