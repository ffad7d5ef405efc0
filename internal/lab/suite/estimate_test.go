package suite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
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
// searches of ndrpdr end regular within their limit.
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
		if d.Elapsed() > p.limit() {
			t.Errorf("seed %d: %v of trials, the limit is %v", seed, d.Elapsed(), p.limit())
		}
	}
	if irregular > mostIrregular {
		t.Errorf("%d of %d searches are irregular", irregular, searches)
	}
}
