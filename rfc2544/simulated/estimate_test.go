package simulated

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// An estimate is the time on the virtual clock, rests and the overhead of trials included.
func TestEstimate(t *testing.T) {
	t.Parallel()
	suite := rfc2544.Suite{Rest: time.Second, Tests: []rfc2544.Config{rfc2544.LossRateConfig{Step: 10, Trial: 10 * time.Second}}}
	point := rfc2544.Point{Size: 64, Nominal: 1e6, Offerable: 9e5, Min: 1000, Max: 9e5}
	steps, err := device(t, "capacity=400kpps,queue=1000").Estimate(context.Background(), suite, point,
		Overhead{Trial: 100 * time.Millisecond, Lossy: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// 90 to 50 % lose, 40 and 30 % do not.
	want := []Step{{rfc2544.NameLossRate, 7, 7*(11*time.Second+100*time.Millisecond) + 5*2*time.Second}}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A test that the device does not support is no part of an estimate.
func TestEstimateLeavesOutUnsupported(t *testing.T) {
	t.Parallel()
	suite := rfc2544.Suite{Tests: []rfc2544.Config{rfc2544.ThroughputConfig{Exploratory: time.Second, Trial: time.Second, Width: 0.1}}}
	for _, kind := range rfc2544.ResetKinds() {
		suite.Tests = append(suite.Tests, rfc2544.ResetConfig{Kind: kind, Clean: time.Second, Off: time.Second, Limit: 5 * time.Second, Repeats: 1})
	}
	point := rfc2544.Point{Size: 64, Nominal: 1e6, Offerable: 9e5, Min: 1000, Max: 9e5, Smallest: true}
	for _, c := range []struct {
		name        string
		noProcesses bool
		want        []string
	}{
		{"with processes", false, []string{"throughput", "reset_process", "reset_system", "reset_power"}},
		{"without", true, []string{"throughput", "reset_system", "reset_power"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := device(t, "capacity=400kpps,queue=1000,boot_time=1s")
			d.NoProcesses = c.noProcesses
			steps, err := d.Estimate(context.Background(), suite, point, Overhead{})
			if err != nil {
				t.Fatal(err)
			}
			var tests []string
			for _, s := range steps {
				tests = append(tests, s.Test)
			}
			if diff := cmp.Diff(c.want, tests); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
		})
	}
}
