package result

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// checkComparison returns an error if samples do not match the devices and rounds, or if a ratio
// contradicts them.
func checkComparison(c *Comparison) error {
	const where = "/comparison"
	switch {
	case c == nil:
		return nil
	case len(c.Devices) < 2:
		return strictjson.At(where+"/devices", "are fewer than two")
	case !(c.Confidence > 0 && c.Confidence < 1):
		return strictjson.At(where+"/confidence", "is not between 0 and 1")
	case len(c.Order) != c.Rounds:
		return strictjson.At(where+"/order", fmt.Sprintf("has %d entries for %d rounds", len(c.Order), c.Rounds))
	}
	for i, order := range c.Order {
		if !isPermutation(order, len(c.Devices)) {
			return strictjson.At(fmt.Sprintf("%s/order/%d", where, i), "is no order of the devices")
		}
	}
	for i := range c.Metrics {
		if place, why := metricFault(&c.Metrics[i], c); why != "" {
			return strictjson.At(where+"/metrics/"+strconv.Itoa(i)+place, why)
		}
	}
	return nil
}

// isPermutation reports whether order contains each number from 0 to n-1 exactly once.
func isPermutation(order []int, n int) bool {
	sorted := slices.Sorted(slices.Values(order))
	for k, d := range sorted {
		if d != k {
			return false
		}
	}
	return len(sorted) == n
}

// metricFault returns the place and the description of a fault in a metric.
func metricFault(m *Metric, c *Comparison) (place, why string) {
	if len(m.Samples) != len(c.Devices) {
		return "/samples", fmt.Sprintf("has %d rows for %d devices", len(m.Samples), len(c.Devices))
	}
	for k, row := range m.Samples {
		at := "/samples/" + strconv.Itoa(k)
		if len(row) != c.Rounds {
			return at, fmt.Sprintf("has %d values for %d rounds", len(row), c.Rounds)
		}
		for _, v := range row {
			if v != nil && !(*v > 0 && Finite(v)) {
				return at, "has what is not above zero"
			}
		}
	}
	for k, r := range m.Ratios {
		if why := ratioFault(r, m, c); why != "" {
			return "/ratios/" + strconv.Itoa(k), why
		}
	}
	return "", ""
}

func ratioFault(r Ratio, m *Metric, c *Comparison) string {
	device := slices.Index(c.Devices[1:], r.Device) + 1
	if device == 0 {
		return strictjson.Quote(r.Device) + " was not compared"
	}
	pairs := 0
	for i, v := range m.Samples[device] {
		if v != nil && m.Samples[0][i] != nil {
			pairs++
		}
	}
	switch {
	case !(0 < r.Lower && r.Lower <= r.Value && r.Value <= r.Upper) || !Finite(&r.Upper):
		return "is not between its bounds"
	case r.Pairs != pairs:
		return fmt.Sprintf("rests on %d pairs, the samples have %d", r.Pairs, pairs)
	case r.Verdict != VerdictOf(r.Lower, r.Upper, m.Better):
		return fmt.Sprintf("its interval does not say %q", r.Verdict)
	}
	return ""
}
