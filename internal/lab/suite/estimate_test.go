package suite

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// sevenSizes are those of RFC 2544 section 9.1.
var sevenSizes = []rfc2544.FrameSize{64, 128, 256, 512, 1024, 1280, 1518}

// estimated returns how long a run would take.
func estimated(t *testing.T, sizes []rfc2544.FrameSize, profile int, trouble Trouble, specs ...string) time.Duration {
	t.Helper()
	p := Plan{Devices: labtest.Devices(t, specs...), Sizes: sizes, Profile: Profiles()[profile], Link: rfc2544.Gigabit, Trouble: trouble}
	_, total, err := p.Estimate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// The estimate grows with devices, sizes, effort and trouble.
func TestPlanEstimate(t *testing.T) {
	t.Parallel()
	const quick, ndrpdr, ci, standard = 0, 1, 2, 3
	none, small := Trouble{}, sevenSizes[:1]
	one, seven := estimated(t, small, ci, none, "vxlan"), estimated(t, sevenSizes, ndrpdr, none, "vxlan")
	for _, c := range []struct {
		name        string
		got         time.Duration
		least, most time.Duration
	}{
		{"two devices", estimated(t, small, ci, none, "vxlan", "plain"), one * 3 / 2, 3 * one},
		{"two sizes", estimated(t, []rfc2544.FrameSize{64, 1518}, ci, none, "vxlan"), one * 5 / 4, 3 * one},
		{"standard", estimated(t, small, standard, none, "vxlan"), 2 * one, 100 * one},
		{"broken trials", estimated(t, small, ci, Trouble{Broken: 0.2}, "vxlan"), one * 11 / 10, 2 * one},
		{"quick", estimated(t, small, quick, none, "vxlan"), 20 * time.Second, 2 * time.Minute},
		{"ndrpdr", seven, 2 * time.Minute, 6 * time.Minute},
		{"ndrpdr, disturbed", estimated(t, sevenSizes, ndrpdr, Trouble{Disturbed: 0.4}, "vxlan"), seven * 21 / 20, 2 * seven},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %v, want from %v to %v", c.name, c.got, c.least, c.most)
		}
	}
}

// On a machine with more trouble than usual, the estimate with what the calibration saw is within
// 15 % of the simulated duration. The estimate before is not.
func TestForetell(t *testing.T) {
	t.Parallel()
	const trouble = "disturbed=0.45,disturbed_loss=0.01,invalid=0.1"
	l := &labtest.Lab{Wire: "capacity=1000000fps," + trouble, Others: "capacity=60000fps,queue=1000,noise=0.05,seed=3," + trouble}
	p := Plan{Devices: labtest.Devices(t, "plain", "vxlan"), Sizes: []rfc2544.FrameSize{64, 512, 1518}, Profile: Profiles()[0], Link: rfc2544.Gigabit}
	p.Profile.Cells, p.Profile.MostRounds = 60, 10 // many searches: chance cancels out
	_, before, err := p.Estimate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cells := len(p.Devices) * len(p.Sizes)
	left := time.Duration(cells*p.Profile.rounds(cells)) * perBench
	p.OnTrial = func(_ string, _ rfc2544.Trial, seen rfc2544.Observation) {
		left += seen.Duration + perTrial
		if seen.Lost > 0 {
			left += lab.DefaultLossTimeout
		}
	}
	var foretold time.Duration
	p.OnForetold = func(_ Trouble, left time.Duration) { foretold = left }
	if err := Run(t.Context(), simulatedLab{l}, p, &result.Results{}); err != nil {
		t.Fatal(err)
	}
	const close = 0.15
	if off := foretold.Seconds()/left.Seconds() - 1; math.Abs(off) > close {
		t.Errorf("%v foretold after the calibration, %v taken", foretold, left)
	}
	if off := (before-p.calibrating()).Seconds()/left.Seconds() - 1; math.Abs(off) <= close {
		t.Errorf("%v foretold before the calibration, %v taken: the trouble of this test is too small", before-p.calibrating(), left)
	}
}

// A few trials without trouble do not mean that there is none, many do.
func TestTroubleIsLearned(t *testing.T) {
	t.Parallel()
	saw := func(trials, broken int, disturbed float64) []result.Calibration {
		return []result.Calibration{{Trouble: &result.Trouble{Trials: trials, Broken: broken, Disturbed: disturbed}}}
	}
	for _, c := range []struct {
		name        string
		wires       []result.Calibration
		least, most Trouble
	}{
		{"nothing seen", []result.Calibration{{}}, usualTrouble, usualTrouble},
		{"no trouble", saw(12, 0, 0), Trouble{0.001, 0.005}, Trouble{0.009, 0.04}},
		{"no trouble at many sizes", saw(400, 0, 0), Trouble{}, Trouble{0.001, 0.005}},
		{"trouble", saw(12, 6, 0.5), Trouble{0.3, 0.3}, Trouble{0.5, 0.5}},
		{"all broken", saw(12, 12, 0), Trouble{0.7, 0.05}, Trouble{1, 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := learned(c.wires)
			if got.Broken < c.least.Broken || got.Broken > c.most.Broken || got.Disturbed < c.least.Disturbed || got.Disturbed > c.most.Disturbed {
				t.Errorf("%+v, want from %+v to %+v", got, c.least, c.most)
			}
		})
	}
}

// NDR and PDR of a device at seven sizes take 10 minutes at most, whatever the device.
func TestNDRPDRIsBounded(t *testing.T) {
	t.Parallel()
	p := Profiles()[1]
	search := p.limit()
	trials := 2*p.Repeats + int(search/p.Goals[0].Shortest())
	size := perSize + perBench + search + 2*time.Duration(p.Repeats)*p.Latency + time.Duration(trials)*(perTrial+lab.DefaultLossTimeout)
	if worst := perRun + time.Duration(len(sevenSizes))*size; worst > 10*time.Minute {
		t.Errorf("up to %v", worst)
	}
}

// On a device whose rate varies by 5 % from trial to trial, with a tenth of the time disturbed, the
// searches of ndrpdr end regular within their limit, which is one of undisturbed time.
func TestNDRPDREnds(t *testing.T) {
	t.Parallel()
	const searches, mostIrregular = 200, 4
	p, irregular := Profiles()[1], 0
	for seed := range searches {
		d, err := simulated.Parse(fmt.Sprintf("capacity=250kpps,queue=1000,noise=0.05,disturbed=0.1,invalid=0.01,seed=%d", seed))
		if err != nil {
			t.Fatal(err)
		}
		out, err := rfc2544.RunRate(context.Background(), d, rfc2544.SearchConfig{
			Goals: p.Goals, Size: 64, Min: lab.MinRate, Max: 700e3, Hint: 250e3, Limit: p.limit(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if !out.Valid {
			irregular++
		}
		if most := p.limit() * 5 / 4; d.Elapsed() > most {
			t.Errorf("seed %d: %v of trials, want up to %v", seed, d.Elapsed(), most)
		}
	}
	if irregular > mostIrregular {
		t.Errorf("%d of %d searches are irregular", irregular, searches)
	}
}
