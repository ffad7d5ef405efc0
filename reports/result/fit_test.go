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
		{"too many stalls of many trials", func(r *result.Results) {
			many(r, 110, func(o *rfc2544.Observation) {
				for i := range 4096 {
					o.Stalls = append(o.Stalls, rfc2544.Stall{At: 123_456_789, Length: time.Duration(i), Side: "tester"})
				}
			})
		}, true},
		{"too many tags of many trials", func(r *result.Results) {
			many(r, 2100, func(o *rfc2544.Observation) { o.Tags = slices.Repeat([]time.Duration{1e18}, 1024) })
		}, true},
		{"long warnings of many trials", func(r *result.Results) {
			many(r, 100, func(o *rfc2544.Observation) { o.Warnings = slices.Repeat([]string{strings.Repeat("x", 4000)}, 50) })
		}, true},
		{"long reasons of many trials", func(r *result.Results) {
			many(r, 100, func(o *rfc2544.Observation) {
				o.Reject(slices.Repeat(rfc2544.Reasons{rfc2544.Because(rfc2544.Stalled, "%s", strings.Repeat("x", 4000))}, 50)...)
			})
		}, true},
		{"long warnings of many results", func(r *result.Results) {
			r.Results[0].Warnings = slices.Repeat([]string{strings.Repeat("x", 4000)}, 1000)
			r.Results = slices.Repeat(r.Results, 5)
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

// many gives the first result n trials, each with a change.
func many(r *result.Results, n int, change func(*rfc2544.Observation)) {
	first := r.Results[0].Trials[0]
	first.Stalls, first.Tags = nil, nil
	change(&first)
	r.Results[0].Trials = slices.Repeat([]rfc2544.Observation{first}, n)
}

// All results of a file share the room for trials, stalls and tagged frames: the longest stalls and the
// first tagged frames stay.
func TestShare(t *testing.T) {
	t.Parallel()
	r := resulttest.Small()
	many(r, 30, func(o *rfc2544.Observation) {
		o.Stalls = slices.Repeat([]rfc2544.Stall{{Length: 1, Side: "tester"}}, 2000)
		o.Tags = make([]time.Duration, 11_000)
	})
	r.Results[1].Trials = slices.Clone(r.Results[0].Trials)
	r.Results[1].Trials[29].Stalls = slices.Repeat([]rfc2544.Stall{{Length: 5, Side: "dut"}}, 2000)
	n := result.Normal(r)
	left := func(i int) (stalls, tags int) {
		for _, o := range n.Results[i].Trials {
			stalls, tags = stalls+len(o.Stalls), tags+len(o.Tags)
		}
		return stalls, tags
	}
	if stalls, tags := left(0); stalls != 48_000 || tags != 198_000 || len(n.Results[0].Warnings) != 1 {
		t.Errorf("%d stalls, %d tags, %q", stalls, tags, n.Results[0].Warnings)
	}
	want := "58000 stalls, the shortest, and 330000 delays of tagged frames are left out of this file"
	if stalls, tags := left(1); stalls != 2000 || tags != 0 || !slices.Contains(n.Results[1].Warnings, want) {
		t.Errorf("%d stalls, %d tags, %q", stalls, tags, n.Results[1].Warnings)
	}
	if len(n.Results[1].Trials[29].Stalls) != 2000 || len(r.Results[0].Trials[29].Stalls) != 2000 || len(r.Results[1].Trials[29].Tags) != 11_000 {
		t.Error("the longest stalls are gone, or the run's own trials were changed")
	}
	many(r, 9_000, func(*rfc2544.Observation) {})
	r.Results[1].Trials = r.Results[0].Trials
	n = result.Normal(r)
	if got := n.Results[1]; len(got.Trials) != 1000 || !strings.Contains(strings.Join(got.Warnings, ""), "8000 of 9017 values and trials are left out of this file; the last: too many") {
		t.Errorf("%d trials, %q", len(got.Trials), got.Warnings)
	}
}
