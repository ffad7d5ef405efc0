package mlrsearch_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// testSeed is printed with every failure; change it to test other devices.
const testSeed = 20260801

// randomDevice has a random choice of faults; all of it follows from r.
func randomDevice(r *rand.Rand) *simulated.Device {
	d, _ := steadyDevice(r)
	switch r.IntN(4) {
	case 0:
		d.Queue = 2 + r.IntN(10000)
	case 1:
		d.Noise = 0.03 * r.Float64()
	case 2:
		d.Bimodal = 0.5 + 0.5*r.Float64()
	}
	if r.IntN(3) == 0 {
		d.Loss = math.Pow(10, -2-4*r.Float64())
	}
	if r.IntN(4) == 0 {
		d.Drift = 0.002 * (r.Float64() - 0.5)
	}
	if r.IntN(4) == 0 {
		d.Invalid = 0.6 * r.Float64()
	}
	return d
}

// steadyDevice has no fault; it comes with its capacity in frames per second.
func steadyDevice(r *rand.Rand) (*simulated.Device, float64) {
	capacity := math.Exp(math.Log(1e4) + r.Float64()*math.Log(1e6/1e4))
	load, err := rfc2544.ParseLoad(strconv.FormatFloat(capacity, 'g', -1, 64) + "fps")
	if err != nil {
		panic(err)
	}
	return &simulated.Device{Capacity: load, Seed: r.Uint64()}, capacity
}

// TestInvariants checks what must hold after every search, whatever the device. Every
// tenth device is searched twice and has to get the same trials.
func TestInvariants(t *testing.T) {
	t.Parallel()
	sets := [][]string{{"ndr", "pdr"}, {"quick"}, {"pdr", "rfc2544"},
		{"loss=0,exceed=0.3,initial=300ms,final=2s,sum=9s,width=0.01", "loss=0.02,exceed=0.3,initial=300ms,final=2s,sum=9s,width=0.03"}}
	const devices, twice = 10000, 10
	var regular int
	for i := range devices {
		cfg := config(t, sets[i%len(sets)]...)
		run := func() (mlrsearch.Found, string) {
			d := randomDevice(rand.New(rand.NewPCG(testSeed, uint64(i))))
			return search(t, &tester{device: d}, cfg), fmt.Sprintf("seed %d, device %d: %+v", testSeed, i, *d)
		}
		found, name := run()
		if i/len(sets)%twice == 0 {
			if again, _ := run(); !slices.Equal(found.Trials, again.Trials) {
				t.Fatalf("%s: the same device got other trials", name)
			}
		}
		for _, g := range found.Goals {
			if g.Regular {
				regular++
			}
		}
		if broken := brokenRule(cfg, found); broken != "" {
			t.Fatalf("%s: %s", name, broken)
		}
	}
	if regular < devices {
		t.Errorf("only %d regular results: these devices test little", regular)
	}
}

// brokenRule names a rule that a result breaks; empty when it breaks none.
func brokenRule(cfg mlrsearch.Config, found mlrsearch.Found) string {
	shortest, longest := time.Hour, time.Duration(0)
	for _, g := range cfg.Goals {
		shortest, longest = min(shortest, g.Shortest()), max(longest, g.Final)
	}
	for _, o := range found.Trials {
		if o.Load < cfg.Min || o.Load > cfg.Max || o.Duration < shortest || o.Duration > longest {
			return fmt.Sprintf("a trial at %v for %v", o.Load, o.Duration)
		}
	}
	log := slices.Clone(found.Trials)
	slices.Reverse(log)
	for i, again := range mlrsearch.Evaluate(log, cfg.Goals) {
		if broken := brokenBounds(found.Goals[i], log); broken != "" {
			return again.Goal.Name + ": " + broken
		}
		if !same(again.Lower, found.Goals[i].Lower) || !same(again.Upper, found.Goals[i].Upper) || !same(again.Conditional, found.Goals[i].Conditional) {
			return again.Goal.Name + ": the log replays to other bounds"
		}
	}
	return brokenOrder(found.Goals)
}

func same(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }

func brokenBounds(g mlrsearch.GoalResult, log []mlrsearch.Trial) string {
	lower, upper := 0.0, math.Inf(1)
	if g.Lower != nil {
		lower = *g.Lower
	}
	if g.Upper != nil {
		upper = *g.Upper
	}
	byLoad := map[float64][]mlrsearch.Trial{}
	for _, trial := range log {
		byLoad[trial.Load] = append(byLoad[trial.Load], trial)
	}
	for load, trials := range byLoad {
		switch alone := mlrsearch.Evaluate(trials, []mlrsearch.Goal{g.Goal})[0]; {
		case alone.Upper != nil && load < upper:
			return fmt.Sprintf("%v is an upper bound too, below %v", load, upper)
		case alone.Lower != nil && load > lower && load < upper:
			return fmt.Sprintf("%v is a lower bound too, above %v", load, lower)
		}
	}
	switch {
	case lower >= upper:
		return fmt.Sprintf("bounds %v and %v", lower, upper)
	case g.Regular && (g.Lower == nil || g.Upper == nil || (upper-lower)/upper > g.Goal.Width):
		return fmt.Sprintf("regular with bounds %v and %v", lower, upper)
	case g.Lower == nil:
		return ""
	case *g.Conditional > lower || *g.Conditional < lower*(1-g.Goal.LossRatio):
		return fmt.Sprintf("conditional throughput %v at %v", *g.Conditional, lower)
	}
	return ""
}

// brokenOrder: of two goals that differ in loss alone, the looser has no lower bounds.
func brokenOrder(goals []mlrsearch.GoalResult) string {
	if len(goals) < 2 || goals[0].Goal.Final != goals[1].Goal.Final {
		return ""
	}
	strict, loose := goals[0], goals[1]
	if strict.Lower != nil && (loose.Lower == nil || *loose.Lower < *strict.Lower) ||
		loose.Upper != nil && (strict.Upper == nil || *strict.Upper > *loose.Upper) {
		return "the looser goal has the lower bounds"
	}
	return ""
}

// TestSteadyDevices: on 10,000 devices without noise, capacity lies between
// the bounds of ndr in at least 99 % of cases. The rest are devices whose last
// whole frame per second hides the fraction of a frame that a load is above.
func TestSteadyDevices(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(testSeed, 0))
	cfg := config(t, "ndr")
	const devices = 10000
	var inside, trials int
	for range devices {
		d, capacity := steadyDevice(r)
		found := search(t, &tester{device: d}, cfg)
		g := found.Goals[0]
		trials += len(found.Trials)
		if g.Regular && *g.Lower <= capacity && capacity <= *g.Upper {
			inside++
		}
	}
	t.Logf("seed %d: %.2f %% inside, %.1f trials on average", testSeed, 100*float64(inside)/devices, float64(trials)/devices)
	if inside < devices*99/100 {
		t.Errorf("seed %d: capacity inside the bounds of %d devices of %d", testSeed, inside, devices)
	}
}
