package rfc2544

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// testSeed is printed with every failure; change it to look elsewhere.
const testSeed = 20260801

// randomDevice has a random choice of faults; all of it follows from r.
func randomDevice(r *rand.Rand) *SimulatedDevice {
	d := steadyDevice(r)
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

func steadyDevice(r *rand.Rand) *SimulatedDevice {
	capacity := math.Exp(math.Log(1e4) + r.Float64()*math.Log(1e6/1e4))
	return &SimulatedDevice{Capacity: Load{kind: loadFrames, value: capacity}, Seed: r.Uint64()}
}

func replayOf(trials []Observation) (all []ReplayTrial) {
	for _, o := range trials {
		if o.Valid {
			all = append(all, ReplayTrial{o.IntendedLoad, o.Duration, o.Duration, o.LossRatio()})
		}
	}
	return all
}

// TestInvariants checks what must hold after every search, whatever the device.
func TestInvariants(t *testing.T) {
	sets := [][]string{{"ndr", "pdr"}, {"quick"}, {"pdr", "rfc2544"},
		{"loss=0,exceed=0.3,initial=300ms,final=2s,sum=9s,width=0.01", "loss=0.02,exceed=0.3,initial=300ms,final=2s,sum=9s,width=0.03"}}
	var regular int
	for i := range 10000 {
		cfg := config(t, sets[i%len(sets)]...)
		run := func() (SearchResult, string) {
			d := randomDevice(rand.New(rand.NewPCG(testSeed, uint64(i))))
			return search(t, d, cfg), fmt.Sprintf("seed %d, device %d: %+v", testSeed, i, *d)
		}
		found, name := run()
		if again, _ := run(); !slices.Equal(loads(found.Trials), loads(again.Trials)) {
			t.Fatalf("%s: the same device got other trials", name)
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
	if regular < 10000 {
		t.Errorf("only %d regular results: these devices test little", regular)
	}
}

func brokenRule(cfg SearchConfig, found SearchResult) string {
	shortest, longest := time.Hour, time.Duration(0)
	for _, g := range cfg.Goals {
		shortest, longest = min(shortest, g.initial()), max(longest, g.Final)
	}
	for _, o := range found.Trials {
		if o.IntendedLoad < cfg.Min || o.IntendedLoad > cfg.Max || o.Duration < shortest || o.Duration > longest {
			return fmt.Sprintf("a trial at %v for %v", o.IntendedLoad, o.Duration)
		}
	}
	log := replayOf(found.Trials)
	slices.Reverse(log)
	for i, again := range Evaluate(log, cfg.Goals) {
		if broken := brokenBounds(found.Goals[i], log); broken != "" {
			return again.Goal.Name + ": " + broken
		}
		if !same(again.Lower, found.Goals[i].Lower) || !same(again.Upper, found.Goals[i].Upper) || !same(again.Conditional, found.Goals[i].Conditional) {
			return again.Goal.Name + ": the log replays to other bounds"
		}
	}
	return brokenOrder(found.Goals)
}

func same(a, b *Rate) bool { return a == b || a != nil && b != nil && *a == *b }

func brokenBounds(g GoalResult, log []ReplayTrial) string {
	lower, upper := Rate(0), Flood
	if g.Lower != nil {
		lower = *g.Lower
	}
	if g.Upper != nil {
		upper = *g.Upper
	}
	byLoad := map[Rate][]ReplayTrial{}
	for _, trial := range log {
		byLoad[trial.Load] = append(byLoad[trial.Load], trial)
	}
	for load, all := range byLoad {
		switch c := g.Goal.target().class(all); {
		case c == upperBound && load < upper:
			return fmt.Sprintf("%v is an upper bound too, below %v", load, upper)
		case c == lowerBound && load > lower && load < upper:
			return fmt.Sprintf("%v is a lower bound too, above %v", load, lower)
		}
	}
	switch {
	case lower >= upper:
		return fmt.Sprintf("bounds %v and %v", lower, upper)
	case g.Regular && (g.Lower == nil || g.Upper == nil || relativeWidth(lower, upper) > g.Goal.Width):
		return fmt.Sprintf("regular with bounds %v and %v", lower, upper)
	case g.Lower == nil:
		return ""
	case *g.Conditional > lower || *g.Conditional < lower*Rate(1-g.Goal.LossRatio):
		return fmt.Sprintf("conditional throughput %v at %v", *g.Conditional, lower)
	}
	return ""
}

// brokenOrder: of two goals that differ in loss alone, the looser has no lower bounds.
func brokenOrder(goals []GoalResult) string {
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
	r := rand.New(rand.NewPCG(testSeed, 0))
	cfg := config(t, "ndr")
	const devices = 10000
	var inside, trials int
	for range devices {
		d := steadyDevice(r)
		found := search(t, d, cfg)
		g := found.Goals[0]
		trials += len(found.Trials)
		if capacity := Rate(d.Capacity.value); g.Regular && *g.Lower <= capacity && capacity <= *g.Upper {
			inside++
		}
	}
	t.Logf("seed %d: %.2f %% inside, %.1f trials on average", testSeed, 100*float64(inside)/devices, float64(trials)/devices)
	if inside < devices*99/100 {
		t.Errorf("seed %d: capacity inside the bounds of %d devices of %d", testSeed, inside, devices)
	}
}

// TestClassRules: enough full-length time always decides a load, short trials
// alone never make it good, and good trials never make it worse: a full-length
// one does not turn it bad, a short one takes back no more than a verdict.
func TestClassRules(t *testing.T) {
	r := rand.New(rand.NewPCG(testSeed, 1))
	g := goal(t, "loss=0.005,exceed=0.3,initial=300ms,final=2s,sum=9s").target()
	for i := range 20000 {
		var all []ReplayTrial
		var full time.Duration
		for range r.IntN(12) {
			d := []time.Duration{300 * time.Millisecond, 2 * time.Second}[r.IntN(2)]
			if d >= g.trial {
				full += d
			}
			all = append(all, ReplayTrial{Load: 1000, Duration: d, Effective: d, LossRatio: 0.01 * float64(r.IntN(2))})
		}
		was := g.class(all)
		with := func(d time.Duration) class {
			return g.class(append(slices.Clone(all), ReplayTrial{Load: 1000, Duration: d, Effective: d}))
		}
		switch longer, shorter := with(g.trial), with(300*time.Millisecond); {
		case full >= g.sum && was == undecided:
			t.Fatalf("seed %d, %d: %v of full-length trials leave the load undecided: %+v", testSeed, i, full, all)
		case full == 0 && was == lowerBound:
			t.Fatalf("seed %d, %d: short trials alone make a lower bound: %+v", testSeed, i, all)
		case was == lowerBound && longer != lowerBound:
			t.Fatalf("seed %d, %d: a good full-length trial makes a lower bound %v: %+v", testSeed, i, longer, all)
		case was == lowerBound && shorter != lowerBound || was == undecided && shorter == upperBound:
			t.Fatalf("seed %d, %d: a good short trial turns %v into %v: %+v", testSeed, i, was, shorter, all)
		}
	}
}
