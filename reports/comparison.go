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
	fmt.Fprintf(w, "\n%d rounds", c.Rounds)
	if c.Overload > 0 || c.Light > 0 { // TCP takes neither size nor load
		fmt.Fprintf(w, " of %d bytes, %s; overload %v, light load %v", int(c.FrameSize), strictjson.Clean(c.Direction), c.Overload, c.Light)
	}
	fmt.Fprintf(w, "; intervals of %.3g %% together\n", 100*c.Confidence)
	for _, text := range sentencesOf(c) {
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}

// comparisonTable has a row for each metric and device.
func comparisonTable(c *result.Comparison) *texttab.Table {
	t := texttab.New(texttab.Left("metric"), texttab.Left("device"), texttab.Left("kind"), texttab.Right("median"), texttab.Right("ratio"), texttab.Right("interval"), texttab.Right("pairs"))
	for _, m := range c.Metrics {
		for k, d := range c.Devices {
			cells := []string{"", strictjson.Short(d, show.MaxName), kindOf(c, k), show.None, show.None, show.None, show.None}
			if k == 0 {
				cells[0], cells[4], cells[5], cells[6] = strictjson.Short(m.Name+", "+m.Unit, show.MaxName), "1", "", ""
			}
			if v := stats.MedianValid(m.Samples[k]); v != nil {
				cells[3] = show.Fixed(*v, 1, "")
			}
			if r := shownRatio(c, &m, k); r.Pairs > 0 && k > 0 {
				cells[4], cells[6] = strconv.FormatFloat(r.Value, 'f', 3, 64), strconv.Itoa(r.Pairs)
				if r.Upper > 0 {
					cells[5] = fmt.Sprintf("%.3f to %.3f", r.Lower, r.Upper)
				}
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

// shownRatio returns the ratio of device k to the first one. With too few pairs for an interval its
// bounds are 0; without any, all of it is.
func shownRatio(c *result.Comparison, m *result.Metric, k int) result.Ratio {
	if r := ratioOf(m, c.Devices[k]); r != nil {
		return *r
	}
	r, _ := stats.ComparePaired(m.Samples[0], m.Samples[k], c.EachConfidence(), 1)
	return result.Ratio{Device: c.Devices[k], Value: r.Value, Pairs: r.Pairs}
}

// kindOf returns the kind of device k, with the cipher that a program of the user names.
func kindOf(c *result.Comparison, k int) string {
	if k >= len(c.Kinds) {
		return show.None // a file of an earlier version
	}
	if kind := strictjson.Clean(c.Kinds[k]); k >= len(c.Seals) || c.Seals[k] == "" {
		return kind
	}
	return c.Kinds[k] + " (" + strictjson.Short(c.Seals[k], show.MaxName) + ")"
}

// sentencesOf returns the verdicts and warnings as sentences.
func sentencesOf(c *result.Comparison) (lines []string) {
	for i := range c.Metrics {
		m := &c.Metrics[i]
		for k, d := range c.Devices[1:] {
			at := fmt.Sprintf("%s, %s against %s: ", strictjson.Clean(m.Name), strictjson.Clean(d), strictjson.Clean(c.Devices[0]))
			if r := shownRatio(c, m, k+1); r.Upper > 0 {
				lines = append(lines, at+r.Words())
			} else {
				lines = append(lines, fmt.Sprintf("%stoo few valid pairs for an interval: it takes %d, there are %d", at, stats.FewestPairs(c.EachConfidence()), r.Pairs))
			}
		}
	}
	for k, kind := range c.Kinds {
		if kind != c.Kinds[0] {
			lines = append(lines, fmt.Sprintf("%s is %s and %s is %s: their ratio holds the price of that", strictjson.Clean(c.Devices[k]), kind, strictjson.Clean(c.Devices[0]), c.Kinds[0]))
		}
	}
	for _, out := range c.LeftOut {
		lines = append(lines, leftOutText(out))
	}
	return append(lines, cleanAll(c.Warnings)...)
}

// leftOutText says which device was not measured to the end, and why.
func leftOutText(out result.LeftOut) string {
	name, why := strictjson.Clean(out.Device), strictjson.Clean(out.Why)
	switch {
	case out.Unsupported:
		return name + " cannot run here: " + why
	case out.Round == 0:
		return name + " was left out: " + why
	}
	return fmt.Sprintf("%s was left out after round %d, what was measured of it stands: %s", name, out.Round, why)
}
