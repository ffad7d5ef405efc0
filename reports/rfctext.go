package reports

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Line returns a result as one line: the test, the device and the first values.
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
	if b := matrix.Bounds(v, func(x float64) string { return number(x, v.Unit) }); b != "" {
		text += asText(" (" + b + ")")
	}
	if !res.Valid {
		text += ", not valid"
	}
	return text
}

// asText replaces the page's special spaces and signs by plain ones.
func asText(s string) string {
	return strings.NewReplacer(show.Nbsp, " ", show.Thin, "", show.Minus, "-").Replace(s)
}

// valueText formats a value with its unit; times get the unit that fits best.
func valueText(v *rfc2544.Value) string {
	n := number(v.Value, v.Unit)
	if v.Unit == "fps" {
		n += show.Nbsp + "kfps"
	} else if v.Unit != "ns" {
		n += show.Nbsp + strictjson.Clean(v.Unit)
	}
	return n
}

// number formats a number: rates in thousands, times with a unit.
func number(x float64, unit string) string {
	switch unit {
	case "fps":
		return show.Kilo(x)
	case "ns":
		return show.SignedSpan(x)
	}
	return show.Digits(x, show.Thin)
}

// rfcTests returns the tests of the RFCs, each of which has its own table. The matrix shows the
// other tests.
func rfcTests() []rfc2544.Test {
	return slices.DeleteFunc(rfc2544.Tests(), func(t rfc2544.Test) bool { return t.Section == "" })
}

// rfcText writes the values of the RFC's tests, one per line.
func rfcText(w io.Writer, r *result.Results) error {
	for _, test := range rfcTests() {
		t := texttab.New(texttab.Left("device"), texttab.Right("size"), texttab.Left("value"), texttab.Right(""), texttab.Left("bounds"))
		t.Indent = "  "
		for i := range r.Results {
			if r.Results[i].Test == test.Name {
				addValues(t, &r.Results[i])
			}
		}
		if t.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s (%s)\n", test.Title, test.Section); err != nil {
			return err
		}
		if err := t.Body(w); err != nil {
			return err
		}
	}
	return nil
}

// addValues adds a row for each value of a result.
func addValues(t *texttab.Table, res *result.Result) {
	for k := range res.Values {
		v := &res.Values[k]
		last := asText(matrix.Bounds(v, func(x float64) string { return number(x, v.Unit) }))
		if !res.Valid {
			last = strings.TrimSpace(last + "  not valid")
		}
		t.Add(strictjson.Short(res.DUT, show.MaxName), strconv.Itoa(int(res.FrameSize)), strictjson.Clean(v.Name), asText(valueText(v)), last)
	}
}
