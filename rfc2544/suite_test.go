package rfc2544_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// shortSuite has every test, short.
var shortSuite = rfc2544.Suite{Rest: 100 * time.Millisecond, Tests: []rfc2544.Config{
	rfc2544.SearchConfig{Goals: []mlrsearch.Goal{{Name: "ndr", Final: time.Second, Sum: time.Second, Width: 0.01}}},
	rfc2544.LatencyConfig{Trial: time.Second, Repeats: 2},
	rfc2544.ThroughputConfig{Exploratory: time.Second, Trial: 2 * time.Second, Width: 0.01},
	rfc2544.ThroughputConfig{Exploratory: time.Second, Trial: 2 * time.Second, Width: 0.01, Networks: 256},
	rfc2544.DelayConfig{Stream: 4 * time.Second, TagFrom: 2 * time.Second, Runs: 3},
	rfc2544.LossRateConfig{Step: 10, Trial: time.Second},
	rfc2544.BackToBackConfig{Repeats: 3, Step: 1, Rest: 2 * time.Second},
	rfc2544.RecoveryConfig{Overload: time.Second, After: time.Second, Repeats: 2},
	rfc2544.BurstsConfig{Trial: time.Second, Width: 0.02},
	shortReset(rfc2544.ResetProcess), shortReset(rfc2544.ResetSystem), shortReset(rfc2544.ResetPower),
}}

func shortReset(kind rfc2544.ResetKind) rfc2544.Config {
	return rfc2544.ResetConfig{Kind: kind, Clean: time.Second, Off: time.Second, Limit: 5 * time.Second, Repeats: 2}
}

var somePoint = rfc2544.Point{Size: 64, Nominal: 1e6, Offerable: 9e5, Min: 1000, Max: 9e5, Smallest: true}

// everyTest are the tests of a suite in their order.
var everyTest = []string{
	rfc2544.NameRate, rfc2544.NameLatency, rfc2544.NameThroughput, rfc2544.NameNetworks, rfc2544.NameDelay, rfc2544.NameLossRate, rfc2544.NameBackToBack, rfc2544.NameRecovery, rfc2544.NameBursts,
	"reset_process", "reset_system", "reset_power",
}

// A suite runs every test, and what it found carries over to those that follow.
func TestSuite(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=400kpps,queue=1000,latency=20us,boot_time=500ms")
	var tests []string
	err := shortSuite.Run(context.Background(), d, somePoint, func(o rfc2544.Outcome, err error) {
		tests = append(tests, o.Test)
		if err != nil || !o.Valid || len(o.Values) == 0 {
			t.Errorf("%s: %v, %q, %d values", o.Test, err, o.Warnings, len(o.Values))
		}
		for _, v := range o.Values {
			switch v.Name {
			case "throughput_short", "throughput_256_networks_short":
				if v.Value < 396e3 || v.Value > 401e3 {
					t.Errorf("%s is %v", v.Name, v.Value)
				}
			case "back_to_back": // at 900 kpps: 1000 / (1 - 4/9)
				if v.Value < 1795 || v.Value > 1805 {
					t.Errorf("%s is %v", v.Name, v.Value)
				}
			case "reset_time_short":
				if v.Value < 490e6 || v.Value > 510e6 {
					t.Errorf("%s: %s is %v", o.Test, v.Name, v.Value)
				}
			case "burst_gap_1024_short": // 1024 frames at 400 kpps, less the burst's own time
				if want := (1024/400e3 - 1023/900e3) * 1e9; v.Value < want*0.97 || v.Value > want*1.1 {
					t.Errorf("%s is %v, want %v", v.Name, v.Value, want)
				}
			}
		}
	})
	if err != nil || !slices.Equal(tests, everyTest) {
		t.Errorf("%v, %v", tests, err)
	}
}

// Without a throughput the tests that need one say so; the others are run.
func TestSuiteWithoutThroughput(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=400kpps,loss=0.01")
	unmeasured := 0
	err := shortSuite.Run(context.Background(), d, somePoint, func(o rfc2544.Outcome, err error) {
		if len(o.Trials) == 0 && !o.Valid && len(o.Warnings) == 1 {
			unmeasured++
		}
	})
	if err != nil || unmeasured != 6 {
		t.Errorf("%d tests not measured, %v; want 6", unmeasured, err)
	}
}

// An error ends the suite; that a device cannot be reset does not.
func TestSuiteErrors(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=400kpps,queue=1000,boot_time=1s")
	d.NoProcesses = true
	var unsupported []string
	err := shortSuite.Run(context.Background(), d, somePoint, func(o rfc2544.Outcome, err error) {
		if errors.Is(err, errors.ErrUnsupported) {
			unsupported = append(unsupported, o.Test)
		}
	})
	if err != nil || !slices.Equal(unsupported, []string{"reset_process"}) {
		t.Errorf("unsupported: %v, %v", unsupported, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	told := 0
	err = shortSuite.Run(ctx, device(t, "capacity=400kpps"), somePoint, func(o rfc2544.Outcome, err error) {
		if told++; told == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || told != 4 {
		t.Errorf("%d outcomes, %v", told, err)
	}
}

// The suites run every test of the table that has a config, in the order of the table.
func TestSuitesFollowTheTable(t *testing.T) {
	t.Parallel()
	var want []string
	for _, test := range rfc2544.Tests() {
		if test.Efforts.CI != nil {
			want = append(want, test.Name)
		}
	}
	for _, c := range []struct {
		name  string
		suite rfc2544.Suite
		rest  time.Duration
	}{
		{"ci", rfc2544.CISuite(), 0},
		{"standard", rfc2544.StandardSuite(), 500 * time.Millisecond},
		{"full", rfc2544.FullSuite(), 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.suite.Rest != c.rest {
				t.Errorf("rest of %v, want %v", c.suite.Rest, c.rest)
			}
			var ran []string
			short := c.suite.WithBursts(1)
			slow := rfc2544.Point{Size: 64, Nominal: 5000, Offerable: 4500, Min: 100, Max: 4500, Smallest: true} // few frames
			err := short.Run(context.Background(), device(t, "capacity=2kpps,queue=10,boot_time=500ms"), slow, func(o rfc2544.Outcome, err error) {
				ran = append(ran, o.Test)
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, ran); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
		})
	}
}

// Names and places of the table are unique, and every test has a title.
func TestTable(t *testing.T) {
	t.Parallel()
	var last rfc2544.Test
	for _, test := range rfc2544.Tests() {
		found, ok := rfc2544.Find(test.Name)
		if !ok || found.Title != test.Title || test.Title == "" || test.Order <= last.Order {
			t.Errorf("%q, title %q, at %d after %d: found %v %q", test.Name, test.Title, test.Order, last.Order, ok, found.Title)
		}
		last = test
	}
	if _, ok := rfc2544.Find("none"); ok {
		t.Error("a test that does not exist is found")
	}
}

func TestSuiteChanges(t *testing.T) {
	t.Parallel()
	full := rfc2544.FullSuite()
	goals := []mlrsearch.Goal{{Name: "mine"}}
	if diff := cmp.Diff(goals, full.WithGoals(goals).Goals(), cmp.AllowUnexported(mlrsearch.Ratio{})); diff != "" {
		t.Errorf("goals (-want +got):\n%s", diff)
	}
	if got := full.Goals(); len(got) != 2 || got[0].Name != "ndr" {
		t.Errorf("the suite itself has the goals %+v", got)
	}
	if cfg, ok := full.Throughput(); !ok || cfg.Networks != 0 || cfg.Trial != time.Minute {
		t.Errorf("throughput %+v, %t", cfg, ok)
	}
}
