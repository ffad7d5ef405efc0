package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Line is a result in one line: what was measured, of whom, and the first of its values.
func Line(res *result.Result) string {
	text := fmt.Sprintf("%s, %d bytes, %s: ", strictjson.Short(res.DUT, show.MaxName), int(res.FrameSize), strictjson.Clean(res.Test))
	switch {
	case res.Unsupported != "":
		return text + "cannot run: " + strictjson.Clean(res.Unsupported)
	case res.Error != "":
		return text + "died: " + strictjson.Clean(res.Error)
	case len(res.Values) == 0 && len(res.Warnings) > 0:
		return text + strictjson.Clean(res.Warnings[0])
	case len(res.Values) == 0:
		return text + "no value"
	}
	v := &res.Values[0]
	text += asText(strictjson.Clean(v.Name) + " " + valueText(v))
	if b := bounds(v, func(x float64) string { return number(x, v.Unit) }); b != "" {
		text += asText(" (" + b + ")")
	}
	if !res.Valid {
		text += ", not valid"
	}
	return text
}

// asText is text without the spaces and signs that are for the page.
func asText(s string) string {
	return strings.NewReplacer(show.Nbsp, " ", show.Thin, "", show.Minus, "-").Replace(s)
}

// valueText is a value with its unit, times in the unit that fits.
func valueText(v *rfc2544.Value) string {
	n := number(v.Value, v.Unit)
	if v.Unit == "fps" {
		n += show.Nbsp + "kfps"
	} else if v.Unit != "ns" {
		n += show.Nbsp + strictjson.Clean(v.Unit)
	}
	return n
}

// number writes a value: rates in thousands, times with a unit.
func number(x float64, unit string) string {
	switch unit {
	case "fps":
		return show.Kilo(x)
	case "ns":
		return show.SignedSpan(x)
	}
	return show.Digits(x, show.Thin)
}

// rfcTests are the tests of the RFCs, which have a table each; the others are in the matrix.
func rfcTests() []rfc2544.Test {
	return slices.DeleteFunc(rfc2544.Tests(), func(t rfc2544.Test) bool { return t.Section == "" })
}

// isRFC reports whether a test has a table of its own.
func isRFC(test string) bool {
	t, ok := rfc2544.Find(test)
	return ok && t.Section != ""
}

// rfcText writes the values of the RFC's tests, a line each.
func rfcText(w io.Writer, r *result.Results) error {
	for _, t := range rfcTests() {
		headed := false
		for i := range r.Results {
			res := &r.Results[i]
			if res.Test != t.Name || len(res.Values) == 0 {
				continue
			}
			if !headed {
				if _, err := fmt.Fprintf(w, "\n%s (%s)\n", t.Title, t.Section); err != nil {
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

func valuesText(w io.Writer, res *result.Result) error {
	for k := range res.Values {
		v := &res.Values[k]
		line := fmt.Sprintf("  %-*s %5d  %-34s %12s", show.MaxName, strictjson.Short(res.DUT, show.MaxName), int(res.FrameSize), strictjson.Clean(v.Name), asText(valueText(v)))
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
