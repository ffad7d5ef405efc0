package rfc2544_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The search itself is tested in mlrsearch; here is what stands between it and a trial.

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, complaint string
		spoil           func(*rfc2544.SearchConfig)
	}{
		{"size", "frame size 63", func(c *rfc2544.SearchConfig) { c.Size = 63 }},
		{"flood", "max finite", func(c *rfc2544.SearchConfig) { c.Max = rfc2544.Flood }},
		{"no frame", "no frame at all", func(c *rfc2544.SearchConfig) { c.Min = 0.5 }},
		{"goal", "no goal", func(c *rfc2544.SearchConfig) { c.Goals = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, "ndr")
			c.spoil(&cfg)
			_, err := rfc2544.Search(context.Background(), device(t, "capacity=600000fps"), cfg)
			if err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.complaint)
			}
		})
	}
}

// All observations are kept, the valid and the others, with the traffic asked for.
func TestSearchKeepsAllTrials(t *testing.T) {
	t.Parallel()
	cfg := config(t, "ndr")
	cfg.Traffic.Networks = 256
	asked := 0
	m := measurerFunc(func(tr rfc2544.Trial) rfc2544.Observation {
		if asked++; tr.Networks != 256 || tr.Size != 64 {
			t.Errorf("asked for %+v", tr)
		}
		o := observed(t, device(t, "capacity=600000fps"), tr.Load, tr.Duration)
		o.Valid = asked%3 != 0
		return o
	})
	found, err := rfc2544.Search(context.Background(), m, cfg)
	valid := 0
	for _, o := range found.Trials {
		if o.Valid {
			valid++
		}
	}
	if err != nil || len(found.Trials) != asked || valid != asked-asked/3 {
		t.Errorf("%d trials seen, %d run, %d of them valid; %v", len(found.Trials), asked, valid, err)
	}
}

// A search judges trials by their clean part; what has an RFC's name by all frames.
func TestSearchUsesTheCleanPart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, goal string
		all        bool
		least      rfc2544.Rate // lower bound at least; 0: none
	}{
		{"clean", "loss=0,exceed=0.5,final=1s,sum=3s,width=0.01", false, 590e3},
		{"all frames", "loss=0,exceed=0.5,final=1s,sum=3s,width=0.01", true, 0},
		{"throughput", "rfc2544", false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, c.goal)
			cfg.AllFrames = c.all
			found, err := rfc2544.Search(context.Background(), device(t, "capacity=600000fps,disturbed=0.3"), cfg)
			lower := found.Goals[0].Lower
			if err != nil || (lower == nil) != (c.least == 0) || lower != nil && *lower < float64(c.least) {
				t.Errorf("%v, %v; want at least %v", found.Goals, err, c.least)
			}
		})
	}
}

// A trial without clean time does not count in a search; one with little is repeated once, at the
// same load. All stay in the result.
func TestSearchRepeatsDisturbedTrials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		shares []float64 // clean, of the first trials; those after them are clean
		valid  []bool    // of the trials at the first load
	}{
		{"clean", nil, []bool{true}},
		{"little", []float64{0.2}, []bool{true, true}},
		{"none", []float64{0}, []bool{false, true}},
		{"none, little", []float64{0, 0.2}, []bool{false, true, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &altered{Device: device(t, "capacity=600000fps"), alter: func(n int, o *rfc2544.Observation) error {
				if n <= len(c.shares) {
					share := c.shares[n-1]
					o.Clean = &rfc2544.Clean{Time: time.Duration(share * float64(o.Duration)), Offered: uint64(share * float64(o.Offered))}
				}
				return nil
			}}
			found, err := rfc2544.Search(context.Background(), m, config(t, "ndr"))
			if err != nil {
				t.Fatal(err)
			}
			var valid []bool
			for _, o := range found.Trials {
				if o.IntendedLoad != found.Trials[0].IntendedLoad {
					break
				}
				valid = append(valid, o.Valid)
				if o.Invalid.Has(rfc2544.NoCleanTime) == o.Valid {
					t.Errorf("valid %t, but %v", o.Valid, o.Invalid)
				}
			}
			if diff := cmp.Diff(c.valid, valid); diff != "" {
				t.Errorf("valid trials at the first load (-want +got):\n%s", diff)
			}
		})
	}
}

// Loads without a valid trial and an early end are told in words.
func TestSearchWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		limit time.Duration
		valid func(rfc2544.Observation) bool
		want  []string
	}{
		{"all is well", 0, func(rfc2544.Observation) bool { return true }, []string{}},
		{"one load left out", 0, func(o rfc2544.Observation) bool { return math.Abs(float64(o.IntendedLoad)-599817) > 1 },
			[]string{"load 599.8kpps left out: 12 trials, none valid (busy)"}},
		{"limit", 20 * time.Second, func(rfc2544.Observation) bool { return true }, []string{"search stopped after 20s of trials: the limit is 20s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &altered{Device: device(t, "capacity=600000fps"), alter: func(_ int, o *rfc2544.Observation) error {
				if o.Valid = c.valid(*o); !o.Valid {
					o.Invalid = rfc2544.Reasons{{Code: rfc2544.OtherPrograms, Text: "busy"}}
				}
				return nil
			}}
			cfg := config(t, "ndr", "pdr")
			cfg.Limit = c.limit
			found, err := rfc2544.Search(context.Background(), m, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, found.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
	found, err := rfc2544.Search(context.Background(), device(t, "capacity=600000fps,invalid=1"), config(t, "ndr"))
	if n := len(found.Warnings); err != nil || n < 2 || !strings.HasPrefix(found.Warnings[n-1], "search stopped: 8 loads without a valid trial") {
		t.Errorf("a machine without a valid trial: %q, %v", found.Warnings, err)
	}
}
