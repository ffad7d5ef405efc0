package gate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// machineModel simulates the machine that measures both sides.
type machineModel struct {
	rng      *rand.Rand
	slowdown func(series int) float64 // slowdown of the head, as a share
	noise    float64                  // standard deviation of a half, as a share
	invalid  float64                  // share of invalid halves
}

func newSets() (base, head *Set) {
	build := func(n string) []Build {
		return []Build{{SHA256: strings.Repeat(n, 64), Octets: 1000}}
	}
	set := func(side, n string) *Set {
		return &Set{
			Schema: SetSchema, Side: side, Device: "reference", Revision: side, Commit: strings.Repeat(n, 40), Builds: build(n), Seed: 1,
			Host: result.Host{CPU: "a"}, Started: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
		}
	}
	return set(BaseSide, "a"), set(HeadSide, "b")
}

// measure adds the pairs that a judgement asks for.
func (m machineModel) measure(p Policy, base, head *Set, j Judgement) {
	done := 0
	for _, t := range head.Turns {
		if t.Series == j.Series {
			done = t.Pair
		}
	}
	for pair := done + 1; pair <= j.Pairs; pair++ {
		first := 1 + m.rng.IntN(2)
		b := Turn{Series: j.Series, Pair: pair, Place: first, Values: map[string]*float64{}}
		h := Turn{Series: j.Series, Pair: pair, Place: 3 - first, Values: map[string]*float64{}}
		for _, id := range j.Metrics {
			better := base.Metrics[slices.IndexFunc(base.Metrics, func(m SetMetric) bool { return m.ID() == id })].Better
			b.Values[id] = m.half(better, 0)
			h.Values[id] = m.half(better, m.slowdown(j.Series))
			if id == allocations+"/64" {
				few, more := 0.004, 0.004+m.slowdown(j.Series)
				b.Values[id], h.Values[id] = &few, &more
			}
		}
		base.Turns, head.Turns = append(base.Turns, b), append(head.Turns, h)
	}
}

func (m machineModel) half(better int, slowdown float64) *float64 {
	v := 1000 * math.Exp(m.noise*m.rng.NormFloat64()) * (1 - float64(better)*slowdown)
	if m.rng.Float64() < m.invalid {
		return nil
	}
	return &v
}

// gate runs a complete gate on the model.
func (m machineModel) gate(t testing.TB, p Policy, base, head *Set) Report {
	t.Helper()
	return m.spoilt(t, p, base, head, func(*Set, Turn, string) bool { return false })
}

// spoilt runs a complete gate some of whose values are not valid.
func (m machineModel) spoilt(t testing.TB, p Policy, base, head *Set, spoils func(s *Set, turn Turn, id string) bool) Report {
	t.Helper()
	return m.edited(t, p, base, head, func(s *Set, turn *Turn, id string) {
		if spoils(s, *turn, id) {
			turn.Values[id] = nil
		}
	})
}

// edited runs a complete gate; edit may change each value.
func (m machineModel) edited(t testing.TB, p Policy, base, head *Set, edit func(s *Set, turn *Turn, id string)) Report {
	t.Helper()
	for _, pm := range p.Metrics {
		better := -1
		if pm.Name == "forwarding_rate" {
			better = 1
		}
		if pm.Name != binarySize {
			sm := SetMetric{Name: pm.Name, Unit: "x", Better: better, FrameSize: rfc2544.FrameSize(pm.FrameSize)}
			base.Metrics, head.Metrics = append(base.Metrics, sm), append(head.Metrics, sm)
		}
	}
	for range 10 {
		j, err := Judge(p, base, head)
		if err != nil {
			t.Fatal(err)
		}
		if j.Pairs == 0 {
			return j.Report
		}
		m.measure(p, base, head, j)
		for _, s := range []*Set{base, head} {
			for i := range s.Turns {
				for id := range s.Turns[i].Values {
					edit(s, &s.Turns[i], id)
				}
			}
		}
	}
	t.Fatal("the gate does not end")
	return Report{}
}

// Where another program spoils too many pairs, the gate measures on as long as that can help. Without
// enough valid pairs it has no verdict; what was measured, it keeps.
func TestSpoiltPairs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metrics  string
		slowdown float64
		spoils   func(s *Set, turn Turn, id string) bool
		verdict  string
		why      string
		pairs    int
		rate     string // verdict on the rate
	}{
		"all": {rate64, 0, func(*Set, Turn, string) bool { return true }, Inconclusive, "forwarding_rate/64: 16 of 16 pairs had a half that is not valid: end what runs beside the gate", 16, Inconclusive},
		"all of the head's": {rate64, 0, func(s *Set, _ Turn, _ string) bool { return s.Side == HeadSide },
			Inconclusive, "forwarding_rate/64: 16 of 16 pairs had", 16, Inconclusive},
		"every third of the base's": {rate64, 0, func(s *Set, t Turn, _ string) bool { return s.Side == BaseSide && t.Pair%3 == 0 },
			Inconclusive, "forwarding_rate/64: 21 of 64 pairs had", 64, Inconclusive},
		"one metric of two": {rate64 + cpu64, 0, func(_ *Set, _ Turn, id string) bool { return id == "cpu_ns_per_frame/64" },
			Inconclusive, "cpu_ns_per_frame/64: 16 of 16 pairs had", 16, Pass},
		"one metric, and the other one fails": {rate64 + cpu64, 0.1, func(_ *Set, _ Turn, id string) bool { return id == "cpu_ns_per_frame/64" },
			Fail, "forwarding_rate/64: 10.", 32, Fail},
		"one that is only shown": {rate64 + p99, 0, func(_ *Set, _ Turn, id string) bool { return id == "latency_p99/64" }, Pass, "each of 1", 16, Pass},
		"only the first":         {rate64, 0, func(_ *Set, t Turn, _ string) bool { return t.Pair <= 6 }, Pass, "each of 1", 32, Pass},
		"the second series": {rate64, 0.1, func(_ *Set, t Turn, _ string) bool { return t.Series == 2 },
			Inconclusive, "not confirmed: first 9.9 % slower", 32, Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head := newSets()
			m := machineModel{rand.New(rand.NewPCG(7, 8)), always(c.slowdown), 0.01, 0}
			g := m.spoilt(t, policy(t, c.metrics), base, head, c.spoils)
			if g.Verdict != c.verdict || !strings.Contains(g.Why, c.why) || g.Pairs != c.pairs || g.Metrics[0].Verdict != c.rate {
				t.Errorf("%s after %d pairs, the rate %s: %s", g.Verdict, g.Pairs, g.Metrics[0].Verdict, g.Why)
			}
		})
	}
}

// What happened to pairs is said, each kind in its own words, and in how many.
func TestEventsAreSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(t *Turn)
		want string
	}{
		"trials that are not valid": {func(t *Turn) { t.Doubts = []string{"3 trials were not valid"} },
			"in 2 of 16 pairs some trials do not count; in the last of them: 3 trials were not valid"},
		"a device that stays": {func(t *Turn) { t.Teardowns = []string{"1 times a device was not taken down cleanly"} },
			"in 2 of 16 pairs a device was not taken down cleanly, which costs no value; in the last of them: 1 times a device"},
		"a death on each side": {func(t *Turn) { t.Died = "exit status 1" }, "in 2 of 16 pairs a device died, which once on a side counts as an accident: exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head := newSets()
			p := policy(t, rate64)
			machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.01, 0}.gate(t, p, base, head)
			c.edit(&base.Turns[2])
			c.edit(&head.Turns[5])
			j, err := Judge(p, base, head)
			if err != nil || len(j.Report.Warnings) != 1 || !strings.HasPrefix(j.Report.Warnings[0], c.want) {
				t.Errorf("%q, %v", j.Report.Warnings, err)
			}
		})
	}
}

// A gate that ends early says how far it came, and of what was measured what it shows, whatever was
// dropped.
func TestUnfinishedGatesSayHowFarTheyCame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		series, pairs, dropped int
		slowdown               float64
		want                   []string
	}{
		"nothing":            {1, 0, 0, 0, []string{"ended too early: 0 pairs, and the first look takes 16"}},
		"few pairs":          {1, 3, 0, 0, []string{"3 pairs, and the first look takes 16; so far 0.7 % faster", "in too few pairs for an interval"}},
		"one of them lost":   {1, 9, 1, 0, []string{"9 pairs, and the first look takes 16; 1 of them had a half that is not valid; so far 0.3 % faster, most likely from", "(95 %, 8 pairs)"}},
		"all of them lost":   {1, 9, 9, 0, []string{"9 pairs, and the first look takes 16; 9 of them had a half that is not valid"}},
		"between looks":      {1, 20, 0, 0.045, []string{"not decided at 16 pairs, 4.", "; so far 4.", "(95 %, 20 pairs)"}},
		"spoilt at the look": {1, 20, 5, 0, []string{"not decided at 16 pairs, 5 of 16 pairs had a half that is not valid; so far", "(95 %, 15 pairs)"}},
		"the second series":  {2, 5, 1, 0.1, []string{"first 9.8 % slower", "; a second series, which would have to confirm it, ended too early: 5 pairs, and the first look takes 16; 1 of them had"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, rate64)
			base, head := newSets()
			m := SetMetric{Name: "forwarding_rate", Unit: "x", Better: 1, FrameSize: 64}
			base.Metrics, head.Metrics = []SetMetric{m}, []SetMetric{m}
			model := machineModel{rand.New(rand.NewPCG(7, 8)), always(c.slowdown), 0.02, 0}
			if c.series == 2 {
				model.measure(p, base, head, Judgement{Series: 1, Pairs: 16, Metrics: []string{m.ID()}})
			}
			model.measure(p, base, head, Judgement{Series: c.series, Pairs: c.pairs, Metrics: []string{m.ID()}})
			for i := range c.dropped {
				head.Turns[len(head.Turns)-c.pairs+i].Values[m.ID()] = nil
			}
			j, err := Judge(p, base, head)
			if err != nil || j.Report.Verdict != Inconclusive {
				t.Fatalf("%s, %v", j.Report.Verdict, err)
			}
			for _, want := range c.want {
				if !strings.Contains(j.Report.Why, want) {
					t.Errorf("%s lacks %q", j.Report.Why, want)
				}
			}
			if strings.Contains(j.Report.Why, "beside the gate") {
				t.Errorf("blames other programs: %s", j.Report.Why)
			}
		})
	}
}
