package mlrsearch

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func goal(t testing.TB, text string) Goal {
	t.Helper()
	g, err := ParseGoal(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// trials are n equal ones at 1 Mfps.
func trials(n int, d time.Duration, loss float64) []Trial {
	var all []Trial
	for range n {
		all = append(all, Trial{Load: 1e6, Duration: d, Effective: d, LossRatio: loss})
	}
	return all
}

func (c class) String() string { return [...]string{"U", "LB", "UB"}[c] }

// TestAppendixC walks through RFC 9971 appendix C. In tables 5 and 6 the RFC
// calls the last goal a lower bound although 42.857 % and 27.273 % exceed its
// 20 %; the code of appendix A says upper bound, and so do we.
func TestAppendixC(t *testing.T) {
	t.Parallel()
	goals := []Goal{
		goal(t, "loss=0,exceed=0,final=60s,sum=60s"),
		goal(t, "loss=0,exceed=0.5,final=60s,sum=120s"),
		goal(t, "loss=0.005,exceed=0.5,final=1s,sum=120s"),
		goal(t, "loss=0.005,exceed=0.2,final=60s,sum=60s"),
	}
	var all []Trial
	for i, c := range []struct {
		more []Trial
		want [4]class
	}{
		{trials(59, time.Second, 0), [4]class{undecided, undecided, undecided, undecided}},
		{trials(1, time.Second, 0.01), [4]class{upperBound, undecided, undecided, undecided}},
		{trials(59, time.Second, 0.01), [4]class{upperBound, undecided, undecided, upperBound}},
		{trials(1, time.Second, 0), [4]class{upperBound, undecided, lowerBound, upperBound}},
		{trials(1, time.Minute, 0.001), [4]class{upperBound, undecided, lowerBound, upperBound}},
		{trials(1, time.Minute, 0), [4]class{upperBound, lowerBound, lowerBound, upperBound}},
		{trials(1, time.Minute, 0), [4]class{upperBound, lowerBound, lowerBound, lowerBound}}, // 45/225 = 0.2: a tie is a lower bound
	} {
		all = append(all, c.more...)
		for j, g := range goals {
			if got := g.target().class(all); got != c.want[j] {
				t.Errorf("step %d, goal %d: %v, want %v", i+1, j+1, got, c.want[j])
			}
		}
		if i == 5 {
			for _, g := range goals[1:3] {
				if got := g.target().conditional(1e6, all); got != 1e6 {
					t.Errorf("conditional throughput %v, want 1 Mfps", got)
				}
			}
		}
	}
}

// TestDecisions counts trials against sum 21 s, exceed 0.5, loss 0.5 %.
func TestDecisions(t *testing.T) {
	t.Parallel()
	g := goal(t, "loss=0.005,exceed=0.5,final=1s,sum=21s")
	longer := func(n int, loss float64) []Trial {
		all := trials(n, time.Second, loss)
		for i := range all {
			all[i].Effective = 1500 * time.Millisecond
		}
		return all
	}
	for name, c := range map[string]struct {
		trials []Trial
		want   class
	}{
		"none": {nil, undecided}, "10 good": {trials(10, time.Second, 0), undecided}, "11 good": {trials(11, time.Second, 0.005), lowerBound},
		"10 bad": {trials(10, time.Second, 0.0051), undecided}, "11 bad": {trials(11, time.Second, 0.0051), upperBound},
		"10 each":  {append(trials(10, time.Second, 0), trials(10, time.Second, 1)...), undecided},
		"6 of 1.5": {longer(6, 0), undecided}, "7 of 1.5": {longer(7, 0), lowerBound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := g.target().class(c.trials); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	mixed := append(trials(6, time.Second, 0), trials(5, time.Second, 0.003)...)
	if got := g.target().class(mixed); got != lowerBound {
		t.Errorf("6 + 5 good: %v, want LB", got)
	}
	if got := g.target().conditional(1e6, mixed); got != 1e6*(1-0.003) {
		t.Errorf("conditional throughput %v, want 0.997 of the load", got)
	}
	short := goal(t, "rfc2544")
	if got := short.target().class(trials(60, time.Second, 0)); got != undecided {
		t.Errorf("60 short good ones: %v, want U", got)
	}
	long := trials(60, time.Second, 0) // counts for a minute each, but was meant to be short
	for i := range long {
		long[i].Effective = time.Minute
	}
	if got := short.target().class(long); got != undecided {
		t.Errorf("60 short ones that took a minute: %v, want U", got)
	}
	if got := g.target().conditional(1e6, trials(3, time.Second, 0)); got != 0 {
		t.Errorf("conditional throughput without enough time: %v, want 0", got)
	}
}

// slowClass is RFC 9971's formula as it is printed, in rational numbers.
func slowClass(tg target, all []Trial) class {
	y := tg.tally(all)
	ns := func(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }
	num, den := tg.exceed.parts()
	e := new(big.Rat).Quo(ns(num), ns(den))
	balance := new(big.Rat).Quo(e, new(big.Rat).Sub(ns(1), e))
	bad := new(big.Rat).Sub(ns(y.shortHigh), balance.Mul(balance, ns(y.shortLow)))
	if bad.Sign() < 0 {
		bad = ns(0)
	}
	bad.Add(bad, ns(y.fullHigh))
	whole := new(big.Rat).Add(ns(y.fullLow), bad)
	if sum := ns(uint64(tg.sum)); whole.Cmp(sum) < 0 {
		whole = sum
	}
	allowed := new(big.Rat).Mul(e, whole)
	optimistic := bad.Cmp(allowed) <= 0
	pessimistic := new(big.Rat).Sub(whole, ns(y.fullLow)).Cmp(allowed) <= 0
	switch {
	case optimistic && pessimistic:
		return lowerBound
	case !optimistic && !pessimistic:
		return upperBound
	}
	return undecided
}

func randomTrials(r *rand.Rand, n int) []Trial {
	var all []Trial
	for range n {
		d := time.Duration(1+r.IntN(4)) * 500 * time.Millisecond
		if r.IntN(50) == 0 {
			d = time.Duration(math.MaxInt64 - r.IntN(1e9))
		}
		all = append(all, Trial{Load: 1e6, Duration: d, Effective: d, LossRatio: 0.01 * float64(r.IntN(2))})
	}
	return all
}

// TestClassAgainstRationals also holds the rules of what one more trial may change.
func TestClassAgainstRationals(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var count [3]int
	rank := map[class]int{upperBound: 0, undecided: 1, lowerBound: 2}
	for range 20000 {
		tg := target{loss: 0.005, exceed: Ratio{uint64(r.IntN(10)), 10}, trial: time.Second, sum: time.Duration(1+r.IntN(20)) * time.Second / 2}
		if r.IntN(4) == 0 {
			tg.exceed = Ratio{uint64(r.IntN(1e9)), 1e9}
		}
		all := randomTrials(r, r.IntN(20))
		got := tg.class(all)
		count[got]++
		if want := slowClass(tg, all); got != want {
			t.Fatalf("%+v, %v: %v, want %v", tg, all, got, want)
		}
		y := tg.tally(all)
		if got == undecided && y.fullLow+y.fullHigh >= uint64(tg.sum) {
			t.Fatalf("%+v, %v: undecided after the whole sum", tg, all)
		}
		if got == lowerBound && y.fullLow == 0 {
			t.Fatalf("%+v, %v: short trials alone made a lower bound", tg, all)
		}
		for _, d := range []time.Duration{tg.trial, tg.trial / 2} {
			if more := tg.class(append(all, trials(1, d, 0)...)); rank[more] < rank[got] {
				t.Fatalf("%+v, %v: a good trial of %v turned %v into %v", tg, all, d, got, more)
			}
		}
	}
	for c, n := range count {
		if n < 1000 {
			t.Errorf("only %d of class %v were tried", n, class(c))
		}
	}
}

func TestInversion(t *testing.T) {
	t.Parallel()
	var all []Trial
	for load, loss := range map[float64]float64{500e3: 0, 550e3: 1, 600e3: 0} {
		for _, trial := range trials(11, time.Second, loss) {
			trial.Load = load
			all = append(all, trial)
		}
	}
	got := Evaluate(all, []Goal{goal(t, "loss=0,exceed=0.5,final=1s,sum=21s")})[0]
	if *got.Lower != 500e3 || *got.Upper != 550e3 || *got.Conditional != 500e3 || !got.Regular {
		t.Errorf("%v to %v, conditional %v, regular %v", *got.Lower, *got.Upper, *got.Conditional, got.Regular)
	}
}

// TestClassRules: enough full-length time always decides a load, short trials
// alone never make it good, and good trials never make it worse: a full-length
// one does not turn it bad, a short one takes back no more than a verdict.
func TestClassRules(t *testing.T) {
	t.Parallel()
	const testSeed = 20260801
	r := rand.New(rand.NewPCG(testSeed, 1))
	g := goal(t, "loss=0.005,exceed=0.3,initial=300ms,final=2s,sum=9s").target()
	for i := range 20000 {
		var all []Trial
		var full time.Duration
		for range r.IntN(12) {
			d := []time.Duration{300 * time.Millisecond, 2 * time.Second}[r.IntN(2)]
			if d >= g.trial {
				full += d
			}
			all = append(all, Trial{Load: 1000, Duration: d, Effective: d, LossRatio: 0.01 * float64(r.IntN(2))})
		}
		was := g.class(all)
		with := func(d time.Duration) class {
			return g.class(append(slices.Clone(all), Trial{Load: 1000, Duration: d, Effective: d}))
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

func BenchmarkClassify(b *testing.B) {
	g := goal(b, "pdr")
	all := append(trials(10, time.Second, 0), trials(10, time.Second, 0.01)...)
	b.ReportAllocs()
	for b.Loop() {
		if g.target().class(all) != undecided {
			b.Fatal("decided")
		}
	}
}
