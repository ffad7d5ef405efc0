package result_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// What was measured is written, whatever is wrong with a part of it: the reader takes the file, and a
// warning counts what is left out.
func TestWhatWasMeasuredIsWritten(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, c := range []struct {
		name  string
		spoil func(*result.Results)
		warns bool
	}{
		{"a trial that does not balance", func(r *result.Results) { r.Results[0].Trials[0].Lost++ }, true},
		{"a duration below zero", func(r *result.Results) { r.Results[0].Trials[0].Duration = -1 }, true},
		{"a rate below zero", func(r *result.Results) { r.Results[0].Values[0].Value, r.Results[0].Values[0].Lower = -1, nil }, true},
		{"a value that is none", func(r *result.Results) { r.Results[0].Values[0].Value = math.NaN() }, true},
		{"a bound that is none", func(r *result.Results) { r.Results[0].Values[0].Upper = &nan }, true},
		{"CPU time that is none", func(r *result.Results) { r.Results[0].Trials[0].CPUPerFrame = &nan }, true},
		{"a load that is none", func(r *result.Results) { r.Results[0].Trials[0].IntendedLoad = rfc2544.Rate(nan) }, true},
		{"a number of trials below zero", func(r *result.Results) { r.Results[0].Values[0].N = -1 }, true},
		{"a value without a unit", func(r *result.Results) { r.Results[0].Values[0].Unit = "" }, true},
		{"a clock set back", func(r *result.Results) { r.Ended = r.Started.Add(-time.Hour) }, false},
		{"a clock set back before the epoch", func(r *result.Results) { r.Started, r.Ended = time.Unix(-1, 0), time.Unix(-2, 0) }, false},
		{"a counter that began again", func(r *result.Results) {
			r.Results[0].Trials[0].Drops = rfc2544.Drops{{Node: "left", Device: "wan", Kind: "rx_dropped", Frames: -7}}
		}, true},
		{"a pause below zero", func(r *result.Results) { r.Results[0].Trials[0].Paused = -1 }, true},
		{"a stall before the begin", func(r *result.Results) {
			r.Results[0].Trials[0].Stalls = []rfc2544.Stall{{At: -1, Length: 1, Side: "tester"}}
		}, true},
		{"too many stalls", func(r *result.Results) {
			r.Results[0].Trials[0].Stalls = slices.Repeat([]rfc2544.Stall{{Side: "tester"}}, 10_001)
		}, false},
		{"too many warnings", func(r *result.Results) { r.Results[0].Warnings = make([]string, 5000) }, false},
		{"too many notes", func(r *result.Results) { r.Host.Notes = make([]string, 1001) }, false},
		{"too many arguments", func(r *result.Results) { r.Command = make([]string, 1001) }, false},
		{"a long name of a processor", func(r *result.Results) { r.Host.CPU = strings.Repeat("ö", 300) }, false},
		{"a long name of a goal", func(r *result.Results) { r.Results[0].Values[0].Name = strings.Repeat("0", 300) }, false},
		{"a long text", func(r *result.Results) { r.Results[0].Error = strings.Repeat("x", 5000) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := resulttest.Small()
			c.spoil(r)
			data, err := result.Encode(r)
			if err != nil {
				t.Fatal(err)
			}
			back, err := result.Read(bytes.NewReader(data), "r.json")
			if err != nil {
				t.Fatal(err)
			}
			if warned := strings.Contains(strings.Join(back.Results[0].Warnings, "\n"), "are left out of this file"); warned != c.warns {
				t.Errorf("%q", back.Results[0].Warnings)
			}
		})
	}
}
