package compare

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Judge computes the ratios of every metric from its samples. The confidence is joint: it is
// divided among all intervals.
func Judge(c *result.Comparison, seed uint64) {
	each := c.EachConfidence()
	for i := range c.Metrics {
		m := &c.Metrics[i]
		m.Ratios = []result.Ratio{}
		for k := 1; k < len(c.Devices); k++ {
			r, ok := stats.ComparePaired(m.Samples[0], m.Samples[k], each, seed)
			if !ok {
				continue
			}
			m.Ratios = append(m.Ratios, result.Ratio{
				Device: c.Devices[k], Value: r.Value, Lower: r.Lower, Upper: r.Upper, Pairs: r.Pairs, Verdict: result.VerdictOf(r.Lower, r.Upper, m.Better),
			})
		}
	}
}

// Missing says what a comparison does not answer: no metric has an interval, or a device failed. It is
// empty if every device has what it is asked for, or cannot run here.
func Missing(c *result.Comparison) string {
	var failed []string
	for _, out := range c.LeftOut {
		if !out.Unsupported {
			failed = append(failed, fmt.Sprintf("%s was left out: %s", out.Device, out.Why))
		}
	}
	if len(failed) > 0 {
		return strings.Join(failed, "; ")
	}
	for _, m := range c.Metrics {
		if len(m.Ratios) > 0 {
			return ""
		}
	}
	return "no metric has enough valid pairs for an interval"
}
