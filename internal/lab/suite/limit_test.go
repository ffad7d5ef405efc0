package suite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// overflowing is a device of which the tester cannot count the frames above a load.
type overflowing struct {
	rfc2544.Measurer
	above rfc2544.Rate
}

func (m overflowing) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	seen, err := m.Measurer.Measure(ctx, t)
	if rfc2544.Rate(float64(seen.Offered)/t.Duration.Seconds()) > m.above {
		seen.Reject(rfc2544.Because(rfc2544.ReceiverOverflow, "simulated: the receiver overflowed"))
	}
	return seen, err
}

// spoiltSearch is a search on a bad machine and what its result has to say.
type spoiltSearch struct {
	spec     string
	overflow rfc2544.Rate
	want     string
}

// aSpoiltSearch has a random share of broken trials and of disturbed time. The device, the sender
// and the receiver each have a limit, apart by 8 % or more; the lowest one decides.
func aSpoiltSearch(r *rand.Rand) spoiltSearch {
	limits := []rfc2544.Rate{1e5, 3e5, 8e5}
	for i := range limits {
		limits[i] *= rfc2544.Rate(0.8 + 0.3*r.Float64())
	}
	r.Shuffle(len(limits), func(i, j int) { limits[i], limits[j] = limits[j], limits[i] })
	device, sender, receiver := limits[0], limits[1], limits[2]
	s := spoiltSearch{overflow: receiver, want: result.LimitedByDUT}
	s.spec = fmt.Sprintf("capacity=%.0ffps,max_offered=%.0ffps,invalid=%.2f,disturbed=%.2f,noise=%.3f,seed=%d",
		float64(device), float64(sender), 0.4*r.Float64(), 0.4*r.Float64(), 0.01*r.Float64(), r.Uint64())
	switch min(device, sender, receiver) {
	case sender:
		s.want = result.LimitedByTester
	case receiver:
		s.want = result.LimitedByMachine
	}
	return s
}

// Broken trials and disturbed time never make a rate look limited by something else.
func TestLimitOfSpoiltSearches(t *testing.T) {
	t.Parallel()
	const searches, seed = 100, 16
	device := labtest.Devices(t, "vxlan")[0]
	seen := map[string]int{}
	for i := range searches {
		s := aSpoiltSearch(rand.New(rand.NewPCG(seed, uint64(i))))
		simulated, err := simulated.Parse(s.spec)
		if err != nil {
			t.Fatal(err)
		}
		out, err := rfc2544.RunRate(context.Background(), overflowing{simulated, s.overflow}, rfc2544.SearchConfig{
			Goals: mlrsearch.MustParseGoals("quick"), Size: 64, Min: 9001, Max: 1e6,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := limit(device, out, false)
		seen[got]++
		if got != s.want {
			t.Errorf("search %d: limited by %s, want %s: %s, receiver %v: %+v, %q", i, got, s.want, s.spec, s.overflow, out.Values, out.Warnings)
		}
	}
	if seen[result.LimitedByDUT] < 20 || seen[result.LimitedByTester] < 20 || seen[result.LimitedByMachine] < 20 {
		t.Errorf("limits %v: these searches test little", seen)
	}
}

// A rate of a device that shares its core with the tester counts, as a lower bound: the tester took its share.
func TestSharedCores(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limited, want string
		shared        bool
	}{
		{result.LimitedByDUT, result.LimitedByTester, true},
		{result.LimitedByMachine, result.LimitedByMachine, true},
		{result.LimitedByDUT, result.LimitedByDUT, false},
	} {
		r := &result.Results{Host: result.Host{Shared: c.shared}}
		Plan{}.add(r, result.Result{Valid: true, LimitedBy: c.limited})
		got := r.Results[0]
		if !got.Valid || got.LimitedBy != c.want || slices.Contains(got.Warnings, result.SharedCores) != c.shared {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
