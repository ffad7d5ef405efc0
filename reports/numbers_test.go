package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// senseless are finite numbers that no machine measures. The largest sums of some are not finite, and
// the smallest have no logarithm of use.
var senseless = []string{"1e30", "1.7e308", "5e-324", "1e-300", "-1e30", "9223372036854775807", "18446744073709551615", "-1", "0", "1e999999999", "999999999999999999"}

// places collects a place of each number of a JSON value, by the kind of place: the indices of lists do
// not count.
func places(value any, at []string, kinds map[string][]string) {
	switch v := value.(type) {
	case json.Number:
		kind := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '*'
			}
			return r
		}, strings.Join(at, "/"))
		kinds[kind] = slices.Clone(at)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			places(v[key], append(at, key), kinds)
		}
	case []any:
		for i := range v {
			places(v[i], append(at, strconv.Itoa(i)), kinds)
		}
	}
}

// replace puts a number at a place of a JSON value.
func replace(value any, at []string, number string) any {
	if len(at) == 0 {
		return json.Number(number)
	}
	switch v := value.(type) {
	case map[string]any:
		v[at[0]] = replace(v[at[0]], at[1:], number)
	case []any:
		i, _ := strconv.Atoi(at[0])
		v[i] = replace(v[i], at[1:], number)
	}
	return value
}

// decode decodes JSON and keeps the text of its numbers.
func decode(t *testing.T, data []byte) (value any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// senselessly calls use with the text, once for each kind of number in it and one of the senseless
// numbers in its place.
func senselessly(t *testing.T, text []byte, use func(data []byte)) {
	t.Helper()
	kinds := map[string][]string{}
	places(decode(t, text), nil, kinds)
	for i, kind := range slices.Sorted(maps.Keys(kinds)) {
		data, err := json.Marshal(replace(decode(t, text), kinds[kind], senseless[i%len(senseless)]))
		if err != nil {
			t.Fatal(err)
		}
		use(data)
	}
}

// A finite number beyond all sense is refused in one line, or drawn. Neither time nor memory grows by its
// value.
func TestSenselessNumbers(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*result.Results{
		"run": resulttest.Small(), "suite": resulttest.Suite(true), "comparison": comparisonResults(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drawn, refused := 0, 0
			senselessly(t, resulttest.Encode(t, r), func(data []byte) {
				read, err := result.Read(bytes.NewReader(data), "r.json")
				if err != nil {
					refused++
					if strings.Contains(err.Error(), "\n") {
						t.Errorf("%q has two lines", err)
					}
					return
				}
				drawn++
				drawAll(t, read)
			})
			t.Logf("%d drawn, %d refused", drawn, refused)
		})
	}
}

// drawAll makes everything that can be made of a run.
func drawAll(t *testing.T, r *result.Results) {
	t.Helper()
	var page bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if text := page.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		at := max(strings.Index(text, "NaN"), strings.Index(text, "Inf"))
		t.Errorf("a number that is none: %s", text[max(0, at-200):min(len(text), at+50)])
	}
	if err := WriteText(&page, r, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range Formats() {
		if _, err := Format(name, []*result.Results{r}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSenselessHistory(t *testing.T) {
	t.Parallel()
	slowdown, lower, upper := 0.0, -0.1, 0.1
	line, err := gate.HistoryLine(&gate.Report{Verdict: gate.Pass, Metrics: []gate.Metric{
		{ID: "x", Better: 1, Verdict: gate.Pass, Series: []gate.Series{{Slowdown: &slowdown, Lower: &lower, Upper: &upper}}},
	}}, resulttest.Small().Started)
	if err != nil {
		t.Fatal(err)
	}
	senselessly(t, line, func(data []byte) {
		runs, _, err := gate.ReadHistory(fmt.Appendf(nil, "%s\n%s\n%s", line, data, data), "h.jsonl")
		if err != nil {
			return
		}
		if page, err := HistoryHTML(runs); err != nil || bytes.Contains(page, []byte("NaN")) || bytes.Contains(page, []byte("Inf")) {
			t.Errorf("%v: %s", err, data)
		}
	})
}
