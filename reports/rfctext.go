package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Line is a result in one line: what was measured, of whom, and the first of its values.
func Line(res *Result) string {
	text := fmt.Sprintf("%s, %d bytes, %s: ", short(res.DUT, maxName), int(res.FrameSize), clean(res.Test))
	switch {
	case res.Unsupported != "":
		return text + "cannot run: " + clean(res.Unsupported)
	case res.Error != "":
		return text + "died: " + clean(res.Error)
	case len(res.Values) == 0 && len(res.Warnings) > 0:
		return text + clean(res.Warnings[0])
	case len(res.Values) == 0:
		return text + "no value"
	}
	v := &res.Values[0]
	text += asText(clean(v.Name) + " " + valueText(v))
	if b := bounds(v, func(x float64) string { return number(x, v.Unit) }); b != "" {
		text += asText(" (" + b + ")")
	}
	if !res.Valid {
		text += ", not valid"
	}
	return text
}

// asText is text without the spaces and signs that are for the page.
func asText(s string) string { return strings.NewReplacer(nbsp, " ", thin, "", minus, "-").Replace(s) }

// valueText is a value with its unit, times in the unit that fits.
func valueText(v *rfc2544.Value) string {
	n := number(v.Value, v.Unit)
	if v.Unit == "fps" {
		n += nbsp + "kfps"
	} else if v.Unit != "ns" {
		n += nbsp + clean(v.Unit)
	}
	return n
}

// number writes a value: rates in thousands, times with a unit.
func number(x float64, unit string) string {
	switch unit {
	case "fps":
		return kilo(x)
	case "ns":
		return signedSpan(x)
	}
	return digits(x, thin)
}

// rfcTests are the tests that have a section of their own, in its order, with
// what their values are called there.
var rfcTests = []struct{ test, title, section string }{
	{rfc2544.TestThroughput, "Throughput", "RFC 2544, 26.1"},
	{rfc2544.TestNetworks, "Throughput over many networks", "RFC 2544, 12"},
	{rfc2544.TestDelay, "Latency and its variation", "RFC 2544, 26.2; RFC 8219, 7"},
	{rfc2544.TestLossRate, "Frame loss rate", "RFC 2544, 26.3"},
	{rfc2544.TestBackToBack, "Back-to-back frames", "RFC 9004"},
	{rfc2544.TestRecovery, "System recovery", "RFC 2544, 26.5"},
	{rfc2544.ResetProcess.Test(), "Reset: process", "RFC 6201, 4.2.2"},
	{rfc2544.ResetSystem.Test(), "Reset: whole device", "RFC 6201, 4.2.1"},
	{rfc2544.ResetPower.Test(), "Reset: power", "RFC 6201, 4.3"},
	{rfc2544.TestBursts, "Bursty traffic", "RFC 2544, 21"},
	{rfc2544.TestScale, "Many tunnels", "RFC 8219, 10"},
}

// isRFC tells whether a test has its place in the section on the RFC's tests,
// not in the matrix.
func isRFC(test string) bool {
	for _, t := range rfcTests {
		if t.test == test {
			return true
		}
	}
	return false
}

// rfcText writes the values of the RFC's tests, a line each.
func rfcText(w io.Writer, r *Results) error {
	for _, t := range rfcTests {
		headed := false
		for i := range r.Results {
			res := &r.Results[i]
			if res.Test != t.test || len(res.Values) == 0 {
				continue
			}
			if !headed {
				if _, err := fmt.Fprintf(w, "\n%s (%s)\n", t.title, t.section); err != nil {
					return err
				}
				headed = true
			}
			if err := valuesText(w, res); err != nil {
				return err
			}
		}
	}
	return nil
}

func valuesText(w io.Writer, res *Result) error {
	for k := range res.Values {
		v := &res.Values[k]
		line := fmt.Sprintf("  %-*s %5d  %-34s %12s", maxName, short(res.DUT, maxName), int(res.FrameSize), clean(v.Name), asText(valueText(v)))
		if b := bounds(v, func(x float64) string { return number(x, v.Unit) }); b != "" {
			line += asText("  " + b)
		}
		if !res.Valid {
			line += "  not valid"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
