package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// tinySuite has every test, in seconds, at loads that any machine carries.
var tinySuite = rfc2544.Suite{Tests: []rfc2544.Config{
	rfc2544.SearchConfig{
		Goals: []mlrsearch.Goal{{Name: "ndr", Initial: 50 * time.Millisecond, Final: 50 * time.Millisecond, Sum: 50 * time.Millisecond, Width: 0.3}}, Limit: 5 * time.Second,
	},
	rfc2544.LatencyConfig{Trial: 50 * time.Millisecond, Repeats: 1},
	rfc2544.ThroughputConfig{Exploratory: 50 * time.Millisecond, Trial: 100 * time.Millisecond, Width: 0.3, Limit: 5 * time.Second},
	rfc2544.ThroughputConfig{Exploratory: 50 * time.Millisecond, Trial: 100 * time.Millisecond, Width: 0.3, Limit: 5 * time.Second, Networks: 16},
	rfc2544.DelayConfig{Stream: 200 * time.Millisecond, TagFrom: 50 * time.Millisecond, Runs: 1},
	rfc2544.LossRateConfig{Step: 10, Trial: 20 * time.Millisecond},
	rfc2544.BackToBackConfig{Repeats: 1, Step: 1000},
	rfc2544.RecoveryConfig{Overload: 100 * time.Millisecond, After: 100 * time.Millisecond, Repeats: 1},
	rfc2544.BurstsConfig{Trial: 50 * time.Millisecond, Width: 0.5, Limit: 5 * time.Second},
	tinyReset(rfc2544.ResetProcess), tinyReset(rfc2544.ResetSystem), tinyReset(rfc2544.ResetPower),
}}

func tinyReset(kind rfc2544.ResetKind) rfc2544.Config {
	return rfc2544.ResetConfig{Kind: kind, Clean: 300 * time.Millisecond, Off: 300 * time.Millisecond, Limit: 5 * time.Second, Repeats: 1}
}

func runTiny(t *testing.T, l *openedLab, path string, resume bool, specs ...string) (*reports.Results, *Journal) {
	t.Helper()
	j, err := OpenJournal(path, someKey, resume)
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Settings: l.set, Sizes: []rfc2544.FrameSize{64}, Profile: Profile{Name: "tiny", Suite: &tinySuite, Goals: tinySuite.Goals(), Tunnels: 4}, Link: 5e6, Journal: j}
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		p.Devices = append(p.Devices, d)
	}
	r := &reports.Results{Schema: reports.Schema, Link: p.Link}
	if err := l.Run(context.Background(), p, r); err != nil {
		t.Fatal(err)
	}
	return r, j
}

// A suite runs on real tunnels, resets and all; and a run whose journal is there
// measures nothing again and finds the same.
func TestSuiteRunsAndResumes(t *testing.T) {
	l := openLab(t)
	dir := t.TempDir()
	first, j := runTiny(t, l, filepath.Join(dir, "journal.jsonl"), false, "vxlan", "reference")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	for _, res := range first.Results {
		seen[res.DUT] = append(seen[res.DUT], res.Test)
		if wanted := res.DUT == "vxlan" && res.Test == "reset_process"; (res.Unsupported != "") != wanted || res.Error != "" {
			t.Errorf("%s, %s: unsupported %q, error %q", res.DUT, res.Test, res.Unsupported, res.Error)
		}
		if res.Test == "reset_power" && len(res.Values) > 0 && res.Values[0].Value < 0 {
			t.Errorf("%s was back before it could: %+v", res.DUT, res.Values[0])
		}
	}
	every := []string{
		rfc2544.NameRate, rfc2544.NameLatency, rfc2544.NameThroughput, rfc2544.NameNetworks, rfc2544.NameDelay, rfc2544.NameLossRate,
		rfc2544.NameBackToBack, rfc2544.NameRecovery, rfc2544.NameBursts, "reset_process", "reset_system", "reset_power",
	}
	missing := func(dut string, tests ...string) {
		for _, test := range tests {
			if !slices.Contains(seen[dut], test) {
				t.Errorf("%s: no %s, but %v", dut, test, seen[dut])
			}
		}
	}
	missing("vxlan", every...)
	missing("reference", append(every, rfc2544.NameScale)...)

	again, j := runTiny(t, l, filepath.Join(dir, "journal.jsonl"), true, "vxlan", "reference")
	if j.Waiting == 0 || j.Replayed != j.Waiting {
		t.Errorf("%d of %d trials were not measured again", j.Replayed, j.Waiting)
	}
	if err := j.Finish(filepath.Join(dir, "trials.jsonl")); err != nil {
		t.Fatal(err)
	}
	if len(again.Results) != len(first.Results) {
		t.Fatalf("%d results, then %d", len(first.Results), len(again.Results))
	}
	for i := range first.Results {
		if !reflect.DeepEqual(first.Results[i].Values, again.Results[i].Values) {
			t.Errorf("%s: %+v, then %+v", first.Results[i].Test, first.Results[i].Values, again.Results[i].Values)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the journal of a run that is over is still there")
	}
}

// A device that is reset while frames cross it comes back, and what it cost is
// in the ledger.
func TestMeasureReset(t *testing.T) {
	l := openLab(t)
	for spec, kinds := range map[string][]rfc2544.ResetKind{
		"plain": {rfc2544.ResetSystem, rfc2544.ResetPower}, "reference": rfc2544.ResetKinds(), "wireguard-go": {rfc2544.ResetProcess}, "relay": {rfc2544.ResetProcess, rfc2544.ResetSystem},
	} {
		b := openBench(t, l, spec, 64)
		for _, kind := range kinds {
			r := rfc2544.Reset{Kind: kind, At: 300 * time.Millisecond}
			if kind == rfc2544.ResetPower {
				r.Off = 500 * time.Millisecond
			}
			const load = 2000
			var o rfc2544.Observation
			for _, duration := range []time.Duration{4 * time.Second, 30 * time.Second} { // a busy machine rebuilds slowly
				var err error
				o, err = b.MeasureReset(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: duration}, r)
				if err != nil {
					t.Fatalf("%s, %s: %v", spec, kind, err)
				}
				if o.LastLost == nil || *o.LastLost < duration*9/10 {
					break
				}
			}
			if o.Lost == 0 || o.Received == 0 || o.LongestGap == nil || o.LastLost == nil || o.LongestGap.Length < r.Off || o.LongestGap.At+o.LongestGap.Length < r.At {
				t.Errorf("%s, %s: %d of %d lost, silence %+v, last lost %v", spec, kind, o.Lost, o.Offered, o.LongestGap, o.LastLost)
			}
			after, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: 100 * time.Millisecond})
			if err != nil || after.Received+after.Late == 0 {
				t.Errorf("%s, %s: %d frames afterwards, %v", spec, kind, after.Received, err)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	for spec, kind := range map[string]rfc2544.ResetKind{"vxlan": rfc2544.ResetProcess, "wire": rfc2544.ResetSystem} {
		b := openBench(t, l, spec, 64)
		if _, err := b.MeasureReset(context.Background(), trialA, rfc2544.Reset{Kind: kind}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s, %s: error %v", spec, kind, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The estimate grows with devices and sizes, and there is none for short profiles.
func TestPlanEstimate(t *testing.T) {
	total := func(sizes []rfc2544.FrameSize, profile int, specs ...string) time.Duration {
		p := Plan{Sizes: sizes, Profile: Profiles()[profile], Link: rfc2544.Gigabit}
		for _, spec := range specs {
			d, err := dut.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			p.Devices = append(p.Devices, d)
		}
		_, total, err := p.Estimate(context.Background())
		if err != nil && profile > 1 {
			t.Fatal(err)
		}
		return total
	}
	one := total([]rfc2544.FrameSize{64}, 3, "vxlan")
	if two := total([]rfc2544.FrameSize{64}, 3, "vxlan", "plain"); two < one*3/2 {
		t.Errorf("one device takes %v, two take %v", one, two)
	}
	if more := total([]rfc2544.FrameSize{64, 1518}, 3, "vxlan"); more < one*5/4 {
		t.Errorf("one size takes %v, two take %v", one, more)
	}
	if full := total([]rfc2544.FrameSize{64}, 4, "vxlan"); full < 2*one {
		t.Errorf("standard takes %v, full %v", one, full)
	}
	if quick := total([]rfc2544.FrameSize{64}, 0, "vxlan"); quick != 0 {
		t.Errorf("an estimate of %v for quick", quick)
	}
}
